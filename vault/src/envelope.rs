//! One envelope: one person's data in one event.
//!
//! envelope = version ‖ algorithm ‖ subject key id ‖ bucket key id ‖ nonce ‖ AES-256-GCM ciphertext ‖ tag
//! event key = HKDF-SHA256(salt = bucket key, ikm = subject key, info = version ‖ algorithm)

use crate::canonical::canonical;
use crate::cipher::{ALGORITHM, SealingKey, VERSION, derive};
use crate::error::VaultError;
use crate::padding;
use crate::secret::Secret;
use domain::{EnvelopeKeys, OrganizationId, SealContext};
use zeroize::Zeroizing;

const HEAD: usize = 1 + 1 + 16 + 16;

/// The key of all envelopes that one subject key and one bucket key seal together. Neither alone yields it.
pub(crate) fn event_key(subject_key: &Secret, bucket_key: &Secret) -> SealingKey {
    SealingKey::new(derive(bucket_key.bytes(), subject_key.bytes(), &[&[VERSION, ALGORITHM]]).bytes())
}

/// The key ids of an envelope whose outer form is right.
pub(crate) fn parse(envelope: &[u8]) -> Result<EnvelopeKeys, VaultError> {
    let known = envelope.starts_with(&[VERSION, ALGORITHM]) && padding::is_envelope_length(envelope.len());
    EnvelopeKeys::of(envelope).filter(|_| known).ok_or(VaultError::EnvelopeMalformed)
}

pub(crate) fn seal(key: &SealingKey, keys: EnvelopeKeys, place: &Place<'_>, content: &[u8]) -> Vec<u8> {
    let padded = padding::pad(content);
    let mut envelope = Vec::with_capacity(padding::envelope_length(content.len()));
    envelope.extend_from_slice(&[VERSION, ALGORITHM]);
    envelope.extend_from_slice(keys.subject_key.0.as_bytes());
    envelope.extend_from_slice(keys.bucket_key.0.as_bytes());
    key.seal(&place.authenticated(keys), &padded, &mut envelope);
    envelope
}

pub(crate) fn open(key: &SealingKey, place: &Place<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let keys = parse(envelope)?;
    let opened = key.open(&place.authenticated(keys), &envelope[HEAD..]);
    let mut content = opened.map_err(|_| VaultError::EnvelopeRefused)?;
    let length = padding::unpadded_length(&content).ok_or(VaultError::EnvelopeMalformed)?;
    content.truncate(length);
    Ok(content)
}

/// Where an envelope belongs: it opens nowhere else.
pub(crate) struct Place<'a> {
    pub(crate) organization: OrganizationId,
    /// The stream's name as text.
    pub(crate) stream: &'a str,
    pub(crate) event_id: domain::EventId,
    pub(crate) event_type: &'a str,
    pub(crate) slot: u16,
}

impl Place<'_> {
    fn authenticated(&self, keys: EnvelopeKeys) -> Vec<u8> {
        canonical(&[
            &[VERSION],
            self.organization.0.as_bytes(),
            self.stream.as_bytes(),
            self.event_id.0.as_bytes(),
            &self.slot.to_be_bytes(),
            self.event_type.as_bytes(),
            keys.subject_key.0.as_bytes(),
            keys.bucket_key.0.as_bytes(),
        ])
    }
}

/// The place that `context` describes; `stream` is its stream's name as text.
pub(crate) fn place_of<'a>(context: &'a SealContext, stream: &'a str) -> Place<'a> {
    Place { organization: context.organization, stream, event_id: context.event_id, event_type: &context.event_type, slot: context.slot }
}
