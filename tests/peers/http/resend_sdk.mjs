// Sends and reads back with Resend's own SDK, of which only the base URL is changed: resend_sdk.mjs URL KEY. Prints one JSON object.
const [url, key] = process.argv.slice(2);
process.env.RESEND_BASE_URL = url;
const { Resend } = await import('resend');
const resend = new Resend(key);
const message = {
  from: 'Shop <shop@example.org>',
  to: ['bob@example.com'],
  replyTo: 'help@example.org',
  subject: 'Your order',
  html: '<p>Thank you.</p>',
  tags: [{ name: 'order', value: 'n1' }],
  headers: { 'X-Shop': '1' },
  attachments: [{ filename: 'bill.txt', content: Buffer.from('42') }],
};
const first = await resend.emails.send(message, { idempotencyKey: 'order-1' });
const again = await resend.emails.send(message, { idempotencyKey: 'order-1' });
const other = await resend.emails.send({ ...message, subject: 'Another' }, { idempotencyKey: 'order-1' });
const read = await resend.emails.get(first.data.id);
const batch = await resend.batch.send([message, { ...message, to: 'carol@example.com' }]);
const permissive = await resend.batch.send([message, { ...message, to: 'nobody' }], { batchValidation: 'permissive' });
const wrong = await resend.emails.send({ ...message, to: ['not an address'] });
const later = await resend.emails.send({ ...message, scheduledAt: new Date(Date.UTC(2026, 8, 25)).toISOString() });
const cancelled = await resend.emails.cancel(later.data.id);
const stranger = await new Resend('re_nothing').emails.send(message);
console.log(JSON.stringify({ first, again, other, read, batch, permissive, wrong, later, cancelled, stranger }));
