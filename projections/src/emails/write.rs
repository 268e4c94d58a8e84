//! Writing messages: new rows by COPY, moved ones by one UPDATE.

use super::work::{EmailKey, Message, Queued, Work};
use crate::envelope_column::slot_column;
use crate::word::{word, words};
use crate::{ProjectionError, actor_columns};
use deadpool_postgres::Transaction;
use domain::{Delivery, Transport};
use std::collections::BTreeSet;
use std::pin::pin;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

const INSERT: &str = "COPY emails (organization, id, created_at_us, scheduled_at_us, size_bytes, event_id, smtp_server, actor_id, version, \
    due_at_us, first_due_at_us, attempts, sender_slot, interface, actor, status, states, fields, slots, sealed) FROM STDIN (FORMAT binary)";

const INSERT_TYPES: [Type; 20] = [
    Type::UUID,
    Type::UUID,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT4,
    Type::INT2,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT2_ARRAY,
    Type::BYTEA,
];

const INSERT_RECIPIENTS: &str = "COPY email_recipient (organization, key_id, email) FROM STDIN (FORMAT binary)";
const INSERT_TAGS: &str = "COPY email_tag (organization, tag, email) FROM STDIN (FORMAT binary)";

/// Arrays of arrays are flattened by unnest, so the states travel as one word list each.
const MOVE: &str = "UPDATE emails e
    SET version = u.version, attempts = u.attempts, due_at_us = u.due_at_us, status = u.status, states = string_to_array(u.states, ',')
    FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int4[], $5::int8[], $6::text[], $7::text[])
        AS u (organization, id, version, attempts, due_at_us, status, states)
    WHERE e.organization = u.organization AND e.id = u.id";

pub(super) async fn write(transaction: &Transaction<'_>, work: &Work<'_>) -> Result<(), ProjectionError> {
    let mut accepted: Vec<(EmailKey, &Message<'_>, &Queued<'_>)> =
        work.messages.iter().filter_map(|(key, message)| Some((*key, message, message.queued.as_ref()?))).collect();
    accepted.sort_by_key(|(key, ..)| *key);
    if !accepted.is_empty() {
        insert(transaction, &accepted).await?;
        insert_lookups(transaction, INSERT_RECIPIENTS, &lookups(&accepted, |queued| queued.recipient_keys())).await?;
        insert_lookups(transaction, INSERT_TAGS, &lookups(&accepted, |queued| queued.tags())).await?;
    }
    let mut moved: Vec<(EmailKey, &Message<'_>)> =
        work.messages.iter().filter(|(_, message)| message.queued.is_none()).map(|(key, message)| (*key, message)).collect();
    moved.sort_by_key(|(key, _)| *key);
    move_rows(transaction, &moved).await
}

async fn insert(transaction: &Transaction<'_>, accepted: &[(EmailKey, &Message<'_>, &Queued<'_>)]) -> Result<(), ProjectionError> {
    let statement = transaction.prepare_cached(INSERT).await?;
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(&statement).await?, &INSERT_TYPES));
    for ((organization, email), message, queued) in accepted {
        let (header, event, delivery) = (&queued.recorded.header, queued.event, &message.delivery);
        let smtp_server = match event.transport {
            Transport::Sandbox => None,
            Transport::SmtpServer(server) => Some(server.0),
        };
        let (actor, actor_id) = actor_columns::to_columns(header.actor);
        let fields: Vec<String> = event.recipients.iter().map(|recipient| word(&recipient.field)).collect();
        let slots: Vec<i16> = event.recipients.iter().map(|recipient| slot_column(recipient.details.number())).collect();
        rows.as_mut()
            .write(&[
                &organization.0,
                &email.0,
                &header.occurred_at.micros(),
                &event.scheduled_at.map(|time| time.micros()),
                &signed(event.size_bytes),
                &header.event_id.0,
                &smtp_server,
                &actor_id,
                &signed(message.version),
                &delivery.due_at.map(|time| time.micros()),
                &delivery.first_due_at.unwrap_or(header.occurred_at).micros(),
                &attempts(delivery),
                &slot_column(event.sender.number()),
                &word(&event.interface),
                &actor,
                &word(&delivery.status()),
                &words(&delivery.states),
                &fields,
                &slots,
                &queued.recorded.slots.encode(),
            ])
            .await?;
    }
    rows.finish().await?;
    Ok(())
}

/// What each of the messages is found by.
fn lookups(accepted: &[(EmailKey, &Message<'_>, &Queued<'_>)], of: impl Fn(&Queued<'_>) -> BTreeSet<Uuid>) -> Vec<(EmailKey, Uuid)> {
    accepted.iter().flat_map(|(key, _, queued)| of(queued).into_iter().map(|found| (*key, found))).collect()
}

async fn insert_lookups(transaction: &Transaction<'_>, copy: &str, lookups: &[(EmailKey, Uuid)]) -> Result<(), ProjectionError> {
    if lookups.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(copy).await?;
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(&statement).await?, &[Type::UUID, Type::UUID, Type::UUID]));
    for ((organization, email), found) in lookups {
        rows.as_mut().write(&[&organization.0, found, &email.0]).await?;
    }
    rows.finish().await?;
    Ok(())
}

async fn move_rows(transaction: &Transaction<'_>, moved: &[(EmailKey, &Message<'_>)]) -> Result<(), ProjectionError> {
    if moved.is_empty() {
        return Ok(());
    }
    let organizations: Vec<Uuid> = moved.iter().map(|((organization, _), _)| organization.0).collect();
    let ids: Vec<Uuid> = moved.iter().map(|((_, email), _)| email.0).collect();
    let versions: Vec<i64> = moved.iter().map(|(_, message)| signed(message.version)).collect();
    let tries: Vec<i32> = moved.iter().map(|(_, message)| attempts(&message.delivery)).collect();
    let due: Vec<Option<i64>> = moved.iter().map(|(_, message)| message.delivery.due_at.map(|time| time.micros())).collect();
    let statuses: Vec<String> = moved.iter().map(|(_, message)| word(&message.delivery.status())).collect();
    let states: Vec<String> = moved.iter().map(|(_, message)| words(&message.delivery.states).join(",")).collect();
    let statement = transaction.prepare_cached(MOVE).await?;
    transaction.execute(&statement, &[&organizations, &ids, &versions, &tries, &due, &statuses, &states]).await?;
    Ok(())
}

fn attempts(delivery: &Delivery) -> i32 {
    i32::try_from(delivery.attempts).unwrap_or(i32::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
