//! A message and the fate of its recipients.

use super::given::{Given, id, key, types};
use domain::*;
use proptest::prelude::*;
use std::time::Duration;

pub fn request(fields: &[RecipientField], suppressed: &[usize]) -> QueueEmail {
    let recipients = fields.iter().enumerate().map(|(number, field)| NewRecipient {
        field: *field,
        details: Personal::new(RecipientDetails { address: format!("r{number}@example.com"), name: None, subject_line: "Hello".into() }),
        key: Some(key(number as u128)),
        suppressed: suppressed.contains(&number),
    });
    QueueEmail {
        recipients: recipients.collect(),
        sender: Personal::new(SenderDetails {
            from: "shop@example.com".into(),
            reply_to: vec![],
            tags: vec![],
            headers: vec![],
            attachment_names: vec![],
            ip: None,
            user_agent: None,
        }),
        sender_key: key(99),
        tags: vec![],
        scheduled_at: None,
        transport: Transport::SmtpServer(SmtpServerId(id(50))),
        interface: Interface::Rest,
        size_bytes: 1000,
    }
}

fn queued(recipients: usize) -> Given<Email> {
    let email = Given::<Email>::nothing();
    let drafts = email.state.queue(request(&vec![RecipientField::To; recipients], &[])).unwrap();
    email.then(drafts)
}

fn reply(recipient: u16, code: u16) -> RecipientReply {
    RecipientReply {
        recipient,
        code: Some(code),
        enhanced_status: None,
        reason: (code >= 400).then_some(FailureReason::UserUnknown),
        text: Some(Personal::new(ReplyDetails { text: format!("{code} said") })),
    }
}

fn attempt(now: Timestamp) -> Attempt {
    Attempt {
        accepted: vec![],
        acceptance: Acceptance::Relayed,
        bounced: vec![],
        deferred: vec![],
        next_attempt_at: now + retry_delay(1, 0),
        rules_version: 1,
    }
}

#[test]
fn a_message_needs_a_to_recipient_and_takes_fifty() {
    let refused = Some(EmailRefusal::RecipientCount);
    assert_eq!(Email::default().queue(request(&[], &[])).err(), refused);
    assert_eq!(Email::default().queue(request(&[RecipientField::Cc], &[])).err(), refused);
    assert_eq!(Email::default().queue(request(&[RecipientField::To; 51], &[])).err(), refused);
    assert!(Email::default().queue(request(&[RecipientField::To; 50], &[])).is_ok());
}

#[test]
fn queueing_again_decides_nothing() {
    assert!(queued(1).state.queue(request(&[RecipientField::To], &[])).unwrap().is_empty());
}

#[test]
fn a_suppressed_recipient_ends_there_while_the_others_are_delivered() {
    let email = Given::<Email>::nothing();
    let drafts = email.state.queue(request(&[RecipientField::To, RecipientField::Bcc], &[1])).unwrap();
    assert_eq!(types(&drafts), ["EmailQueued", "EmailSuppressed"]);
    let email = email.then(drafts);
    assert_eq!(email.state.delivery.states, [DeliveryState::Queued, DeliveryState::Suppressed]);
    assert_eq!(email.state.delivery.status(), EmailStatus::Queued);
    assert!(email.state.delivery.due_at.is_some());
}

#[test]
fn each_recipient_gets_what_the_server_said_about_them() {
    let email = queued(4);
    let started = email.state.start_transmission(&[0, 1]);
    let email = email.then(started);
    let now = email.now;
    let said = Attempt {
        accepted: vec![reply(0, 250), reply(1, 250)],
        bounced: vec![reply(2, 550)],
        deferred: vec![reply(3, 451)],
        ..attempt(now)
    };
    let drafts = email.state.record_attempt(said);
    assert_eq!(types(&drafts), ["EmailRelayed", "EmailBounced", "EmailDeferred"]);
    // Each raw reply is sealed under the key of the recipient whom it is about.
    assert_eq!(drafts[1].personal.iter().map(|slot| slot.key).collect::<Vec<_>>(), [Some(key(2))]);
    let email = email.then(drafts);
    use DeliveryState::{Bounced, Deferred, Relayed};
    assert_eq!(email.state.delivery.states, [Relayed, Relayed, Bounced, Deferred]);
    assert_eq!((email.state.delivery.attempts, email.state.delivery.status()), (1, EmailStatus::Deferred));
    assert_eq!(email.state.delivery.due_at, Some(now + Duration::from_secs(60)));
}

#[test]
fn a_transmission_without_an_outcome_is_in_doubt_and_is_held() {
    let email = queued(2);
    let started = email.state.start_transmission(&[0]);
    let email = email.then(started);
    let drafts = email.state.doubt();
    assert_eq!(types(&drafts), ["DeliveryInDoubt"]);
    let email = email.then(drafts);
    assert_eq!(email.state.delivery.states, [DeliveryState::InDoubt, DeliveryState::Queued]);
    assert!(email.state.start_transmission(&[0]).is_empty(), "what is in doubt is not sent again");
    assert!(email.state.doubt().is_empty());
}

#[test]
fn a_doubtful_delivery_ends_when_its_recipient_is_forgotten_and_not_by_request() {
    let email = queued(1);
    let started = email.state.start_transmission(&[0]);
    let email = email.then(started);
    let doubt = email.state.doubt();
    let email = email.then(doubt);
    assert_eq!(email.state.cancel(CancellationReason::Requested, None).err(), Some(EmailRefusal::NothingToCancel));
    let erased = email.state.cancel(CancellationReason::Erased, Some(&[0])).unwrap();
    assert_eq!(email.then(erased).state.delivery.states, [DeliveryState::Cancelled]);
}

#[test]
fn what_is_in_doubt_is_given_up_at_its_maximum_age() {
    let email = queued(1);
    let first_due = email.state.delivery.first_due_at.unwrap();
    let started = email.state.start_transmission(&[0]);
    let email = email.then(started);
    let doubt = email.state.doubt();
    let email = email.then(doubt);
    assert_eq!(email.state.delivery.due_at, Some(first_due + DELIVERY_AGE_MAX));
    let abandoned = email.state.abandon(AbandonmentReason::Expired);
    let email = email.then(abandoned);
    assert!(email.state.delivery.is_finished());
    assert_eq!(email.state.delivery.due_at, None);
}

#[test]
fn cancelling_stops_whoever_waits_and_cannot_call_mail_back() {
    let email = queued(2);
    let started = email.state.start_transmission(&[0]);
    let email = email.then(started);
    let drafts = email.state.cancel(CancellationReason::Requested, None).unwrap();
    let EmailEvent::EmailCancelled(cancelled) = &drafts[0].event else { panic!("it was cancelled") };
    assert_eq!(cancelled.recipients, [1]);
    let email = email.then(drafts);
    assert!(email.state.cancel(CancellationReason::Requested, None).unwrap().is_empty(), "cancelling twice is cancelling");
    let relayed = Given::<Email>::nothing().then(Email::default().queue(request(&[RecipientField::To], &[])).unwrap());
    let now = relayed.now;
    let done = relayed.state.record_attempt(Attempt { accepted: vec![reply(0, 250)], ..attempt(now) });
    let relayed = relayed.then(done);
    assert_eq!(relayed.state.cancel(CancellationReason::Requested, None).err(), Some(EmailRefusal::NothingToCancel));
    assert_eq!(Email::default().cancel(CancellationReason::Requested, None).err(), Some(EmailRefusal::Unknown));
}

#[test]
fn a_late_answer_changes_no_terminal_state() {
    let email = queued(1);
    let cancelled = email.state.cancel(CancellationReason::Erased, Some(&[0])).unwrap();
    let email = email.then(cancelled);
    let now = email.now;
    assert!(email.state.record_attempt(Attempt { bounced: vec![reply(0, 550)], ..attempt(now) }).is_empty());
}

#[test]
fn a_scheduled_message_waits_for_its_time() {
    let email = Given::<Email>::nothing();
    let at = email.now + Duration::from_secs(3600);
    let drafts = email.state.queue(QueueEmail { scheduled_at: Some(at), ..request(&[RecipientField::To], &[]) }).unwrap();
    let email = email.then(drafts);
    assert_eq!((email.state.delivery.status(), email.state.delivery.due_at), (EmailStatus::Scheduled, Some(at)));
}

#[derive(Debug, Clone)]
enum Step {
    Start(Vec<u16>),
    Relay(u16),
    Bounce(u16),
    Defer(u16),
    Doubt,
    Cancel,
    Suppress(u16),
    Abandon,
}

fn step() -> impl Strategy<Value = Step> {
    let recipient = 0_u16..5;
    prop_oneof![
        prop::collection::vec(recipient.clone(), 0..4).prop_map(Step::Start),
        recipient.clone().prop_map(Step::Relay),
        recipient.clone().prop_map(Step::Bounce),
        recipient.clone().prop_map(Step::Defer),
        Just(Step::Doubt),
        Just(Step::Cancel),
        recipient.prop_map(Step::Suppress),
        Just(Step::Abandon),
    ]
}

proptest! {
    /// No order of happenings loses a recipient, revives one, or leaves an open delivery without a due time.
    #[test]
    fn every_recipient_is_in_exactly_one_state_and_terminal_states_stay(steps in prop::collection::vec(step(), 0..25)) {
        let mut email = queued(4);
        for step in steps {
            let before = email.state.delivery.states.clone();
            let now = email.now;
            let drafts = match step {
                Step::Start(recipients) => email.state.start_transmission(&recipients),
                Step::Relay(number) => email.state.record_attempt(Attempt { accepted: vec![reply(number, 250)], ..attempt(now) }),
                Step::Bounce(number) => email.state.record_attempt(Attempt { bounced: vec![reply(number, 550)], ..attempt(now) }),
                Step::Defer(number) => email.state.record_attempt(Attempt { deferred: vec![reply(number, 451)], ..attempt(now) }),
                Step::Doubt => email.state.doubt(),
                Step::Cancel => email.state.cancel(CancellationReason::Requested, None).unwrap_or_default(),
                Step::Suppress(number) => email.state.suppress(&[number]),
                Step::Abandon => email.state.abandon(AbandonmentReason::Expired),
            };
            email = email.then(drafts);
            let delivery = &email.state.delivery;
            prop_assert_eq!(delivery.states.len(), 4);
            for (old, new) in before.iter().zip(&delivery.states) {
                prop_assert!(!old.is_terminal() || old == new, "{:?} became {:?}", old, new);
            }
            prop_assert_eq!(delivery.due_at.is_none(), delivery.is_finished());
        }
    }
}
