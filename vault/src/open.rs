//! Opening: envelopes back into personal data, for a purpose.

use crate::cipher::SealingKey;
use crate::envelope::{self, place_of};
use crate::error::VaultError;
use crate::key_name::Subject;
use crate::keyring::{BucketKey, KeyState, SubjectKey};
use crate::vault::Vault;
use domain::{
    Class, DataEntry, DataName, EnvelopeKeys, Keeping, KeyId, Personal, PersonalData, Purpose, PurposeRefusal, SealContext, Sealed,
    SlotContent,
};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What an envelope holds, or why that cannot be known any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened<T> {
    Readable(Personal<T>),
    /// The person was forgotten, before or after the event.
    Erased,
    /// The retention of the day, or of the class, has ended.
    Expired,
    /// It is kept, and may not be used for this: the person objected, or had every use restricted, or these are financial records of somebody who was forgotten.
    Restricted,
}

/// Content before it is decoded.
type Content = Opened<Zeroizing<Vec<u8>>>;

impl Vault {
    /// Opens one sealed value. A purpose that `T` does not allow is refused before anything is looked at.
    pub async fn open<T: PersonalData>(&self, purpose: Purpose, sealed: &Sealed<T>) -> Result<Opened<T>, VaultError> {
        Ok(self.open_many(purpose, &[sealed]).await?.pop().expect("one value has one answer"))
    }

    /// Opens many sealed values; missing keys are fetched in one statement.
    pub async fn open_many<T: PersonalData>(&self, purpose: Purpose, sealed: &[&Sealed<T>]) -> Result<Vec<Opened<T>>, VaultError> {
        allow(purpose, &T::ENTRY)?;
        let wanted: Vec<(&SealContext, &SlotContent)> = sealed.iter().map(|sealed| (&sealed.context, &sealed.content)).collect();
        let opened = self.open_contents(purpose, Some(T::CLASS), &wanted).await?;
        opened.into_iter().map(decode).collect()
    }

    /// Opens an envelope whose kind the caller knows only by its name in the data policy.
    pub async fn open_named(
        &self,
        purpose: Purpose,
        data: DataName,
        context: &SealContext,
        envelope: &[u8],
    ) -> Result<Opened<Zeroizing<Vec<u8>>>, VaultError> {
        let class = allow(purpose, data.entry())?;
        let content = SlotContent::Envelope(envelope.to_vec());
        Ok(self.open_contents(purpose, class, &[(context, &content)]).await?.pop().expect("one envelope has one answer"))
    }

    async fn open_contents(
        &self,
        purpose: Purpose,
        class: Option<Class>,
        wanted: &[(&SealContext, &SlotContent)],
    ) -> Result<Vec<Content>, VaultError> {
        let keys = self.keys_named_in(wanted).await?;
        let closed = self.closed_records(purpose, &keys).await?;
        let mut derived = HashMap::new();
        let mut contents = Vec::with_capacity(wanted.len());
        for (context, content) in wanted {
            contents.push(match content {
                SlotContent::Envelope(envelope) => match open_envelope(purpose, class, context, envelope, &keys, &mut derived)? {
                    Opened::Readable(_) if closed.contains(&envelope::parse(envelope)?.subject_key) => Opened::Restricted,
                    opened => opened,
                },
                SlotContent::Withheld => Opened::Erased,
                // Envelopes are removed with their closed days.
                SlotContent::Removed(_) => Opened::Expired,
            });
        }
        Ok(contents)
    }

    async fn keys_named_in(&self, wanted: &[(&SealContext, &SlotContent)]) -> Result<HashMap<KeyId, KeyState>, VaultError> {
        let mut ids = Vec::with_capacity(wanted.len() * 2);
        for (_, content) in wanted {
            if let SlotContent::Envelope(envelope) = content {
                let EnvelopeKeys { subject_key, bucket_key } = envelope::parse(envelope)?;
                ids.extend([subject_key, bucket_key]);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let states = self.key_states(&ids).await?;
        ids.into_iter().zip(states).map(|(id, state)| Ok((id, state?))).collect()
    }
}

/// Both the data and its class must allow the purpose. The class is what the keys will be held against.
pub(crate) fn allow(purpose: Purpose, entry: &DataEntry) -> Result<Option<Class>, VaultError> {
    let refused = |refusal| Err(VaultError::PurposeRefused { data: entry.data, purpose, refusal });
    if !entry.purposes.contains(&purpose) {
        return refused(PurposeRefusal::NotForThisData);
    }
    match entry.keeping {
        Keeping::Class(class) if !class.allows(purpose) => refused(PurposeRefusal::NotForItsClass),
        Keeping::Class(class) => Ok(Some(class)),
        Keeping::Spool => Ok(None),
    }
}

fn open_envelope(
    purpose: Purpose,
    class: Option<Class>,
    context: &SealContext,
    envelope: &[u8],
    keys: &HashMap<KeyId, KeyState>,
    derived: &mut HashMap<(KeyId, KeyId), SealingKey>,
) -> Result<Content, VaultError> {
    let named = envelope::parse(envelope)?;
    let (subject, bucket) = match (&keys[&named.subject_key], &keys[&named.bucket_key]) {
        // Both may be gone: that the person was forgotten says more.
        (KeyState::Destroyed, _) => return Ok(Opened::Erased),
        (KeyState::Bucket(_), _) => return Err(VaultError::KeyMisused(named.subject_key)),
        (_, KeyState::Destroyed) => return Ok(Opened::Expired),
        (_, KeyState::Subject(_)) => return Err(VaultError::KeyMisused(named.bucket_key)),
        (KeyState::Subject(subject), KeyState::Bucket(bucket)) => (subject, bucket),
    };
    check_use(class, context, subject, bucket)?;
    if subject.limits.close(subject.name.class, purpose) {
        return Ok(Opened::Restricted);
    }
    let key = derived.entry((named.subject_key, named.bucket_key)).or_insert_with(|| envelope::event_key(&subject.secret, &bucket.secret));
    let stream = context.stream.to_string();
    envelope::open(key, &place_of(context, &stream), envelope).map(|content| Opened::Readable(Personal::new(content)))
}

/// The keys are of the organisation and the class that the caller believes in: the class is what the purposes were checked for.
fn check_use(class: Option<Class>, context: &SealContext, subject: &Arc<SubjectKey>, bucket: &Arc<BucketKey>) -> Result<(), VaultError> {
    let class = class.unwrap_or(subject.name.class);
    let tool = Subject::is_tool(subject.name.subject);
    if !subject.name.may_stand_in(context.organization) || subject.name.class != class || tool {
        return Err(VaultError::KeyMisused(subject.id));
    }
    if bucket.name.organization != subject.name.organization || bucket.name.class != class {
        return Err(VaultError::KeyMisused(bucket.id));
    }
    Ok(())
}

fn decode<T: PersonalData>(content: Content) -> Result<Opened<T>, VaultError> {
    Ok(match content {
        Opened::Readable(bytes) => {
            Opened::Readable(Personal::new(serde_json::from_slice(bytes.expose()).map_err(|_| VaultError::ContentMalformed)?))
        }
        Opened::Erased => Opened::Erased,
        Opened::Expired => Opened::Expired,
        Opened::Restricted => Opened::Restricted,
    })
}
