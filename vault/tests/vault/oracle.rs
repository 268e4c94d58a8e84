//! The same formats written a second time, with other libraries, from the description alone.

use crate::support::{Note, Place, World, note, organization, person};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::cipher::BlockEncrypt;
use aes_gcm::{Aes256Gcm, Nonce};
use domain::{Class, EnvelopeKeys, KeyId, OrganizationId, Purpose, Sealed, SlotContent};
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;
use vault::{KeyName, Opened, Subject};

/// Whoever has the database and the key directory can compute this.
pub struct Oracle {
    pub epoch_key: Vec<u8>,
    client: tokio_postgres::Client,
}

pub fn fields(fields: &[&[u8]]) -> Vec<u8> {
    fields.iter().flat_map(|field| [&u32::try_from(field.len()).unwrap().to_be_bytes(), *field].concat()).collect()
}

pub fn hkdf(salt: &[u8], key: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), key).expand(info, &mut out).unwrap();
    out
}

pub fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap().chain_update(data).finalize().into_bytes().into()
}

pub fn decrypt(key: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, msg) = sealed.split_at(12);
    Aes256Gcm::new_from_slice(key).unwrap().decrypt(Nonce::from_slice(nonce), Payload { msg, aad }).ok()
}

impl Oracle {
    pub async fn new(world: &World) -> Self {
        let client = world.database.client().await;
        let row = client.query_one("SELECT epoch, provider_key, wrapped FROM keyring.epoch WHERE state = 1", &[]).await.unwrap();
        let (epoch, provider_key): (i32, Uuid) = (row.get(0), row.get(1));
        let file = std::fs::read(world.directory.path().join(format!("keys/{}.key", provider_key.simple()))).unwrap();
        let aad = fields(&[b"lethemail epoch v1", &epoch.to_be_bytes(), &1i16.to_be_bytes(), provider_key.as_bytes()]);
        let wrapped: &[u8] = row.get(2);
        Self { epoch_key: decrypt(file.strip_prefix(b"lmepoch1").unwrap(), &aad, &wrapped[2..]).unwrap(), client }
    }

    pub async fn subject_key(&self, id: KeyId) -> Vec<u8> {
        let select = "SELECT epoch, wrapped FROM keyring.key WHERE id = $1";
        let row = self.client.query_one(select, &[&id.0]).await.unwrap();
        self.unwrap(&self.subject_columns(id).await, row.get(0), row.get(1)).unwrap()
    }

    /// What a subject key's wrapping is bound to, without the epoch.
    pub async fn subject_columns(&self, id: KeyId) -> Vec<u8> {
        let select = "SELECT organization, kind, subject, generation, class FROM keyring.key WHERE id = $1";
        let row = self.client.query_one(select, &[&id.0]).await.unwrap();
        fields(&[
            b"lethemail subject key v1",
            id.0.as_bytes(),
            row.get::<_, Uuid>(0).as_bytes(),
            &row.get::<_, i16>(1).to_be_bytes(),
            row.get::<_, Uuid>(2).as_bytes(),
            &row.get::<_, i32>(3).to_be_bytes(),
            &row.get::<_, i16>(4).to_be_bytes(),
        ])
    }

    /// A subject key, if these bytes are its wrapping in that epoch and the living epoch's key opens them.
    pub fn unwrap(&self, columns: &[u8], epoch: i32, wrapped: &[u8]) -> Option<Vec<u8>> {
        decrypt(&self.epoch_key, &[columns, &fields(&[&epoch.to_be_bytes()])].concat(), &wrapped[2..])
    }

    pub async fn bucket_key(&self, id: KeyId) -> Vec<u8> {
        let select = "SELECT organization, class, bucket, epoch, wrapped FROM keyring.bucket WHERE id = $1";
        let row = self.client.query_one(select, &[&id.0]).await.unwrap();
        let aad = fields(&[
            b"lethemail bucket key v1",
            id.0.as_bytes(),
            row.get::<_, Uuid>(0).as_bytes(),
            &row.get::<_, i16>(1).to_be_bytes(),
            &row.get::<_, i32>(2).to_be_bytes(),
            &row.get::<_, i32>(3).to_be_bytes(),
        ]);
        decrypt(&self.epoch_key, &aad, &row.get::<_, &[u8]>(4)[2..]).unwrap()
    }
}

fn authenticated(place: &Place, slot: u16, keys: EnvelopeKeys) -> Vec<u8> {
    fields(&[
        &[1],
        place.stream.organization.0.as_bytes(),
        place.stream.to_string().as_bytes(),
        place.event_id.0.as_bytes(),
        &slot.to_be_bytes(),
        place.event_type.as_bytes(),
        keys.subject_key.0.as_bytes(),
        keys.bucket_key.0.as_bytes(),
    ])
}

#[tokio::test]
async fn m6_2_another_implementation_opens_our_envelopes_and_we_open_its() {
    let world = World::new().await;
    let oracle = Oracle::new(&world).await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    for text in ["", "x", "a longer note with ümläuts", &"long ".repeat(700)] {
        let sealed = world.seal_note(key, &place, text).await;
        let SlotContent::Envelope(bytes) = &sealed.content else { panic!("withheld") };
        let keys = EnvelopeKeys::of(bytes).unwrap();
        let (subject, bucket) = (oracle.subject_key(keys.subject_key).await, oracle.bucket_key(keys.bucket_key).await);
        let event_key = hkdf(&bucket, &subject, &[1, 1]);
        let aad = authenticated(&place, 0, keys);
        let mut padded = decrypt(&event_key, &aad, &bytes[34..]).unwrap();
        let content = serde_json::to_vec(note(text).expose()).unwrap();
        assert!(padded.starts_with(&[content.as_slice(), &[0x80]].concat()));
        assert!(padded[content.len() + 1..].iter().all(|byte| *byte == 0));

        // Neither key alone: nothing opens when one of the two is another.
        assert!(decrypt(&hkdf(&bucket, &[0; 32], &[1, 1]), &aad, &bytes[34..]).is_none());
        assert!(decrypt(&hkdf(&[0; 32], &subject, &[1, 1]), &aad, &bytes[34..]).is_none());

        let nonce = [7; 12];
        let cipher = Aes256Gcm::new_from_slice(&event_key).unwrap();
        let sealed = cipher.encrypt(Nonce::from_slice(&nonce), Payload { msg: &padded, aad: &aad }).unwrap();
        let theirs = [&bytes[..34], &nonce, &sealed].concat();
        let theirs: Sealed<Note> = Sealed::from_parts(place.context(0), SlotContent::Envelope(theirs));
        assert_eq!(world.vault.open(Purpose::Service, &theirs).await.unwrap(), Opened::Readable(note(text)));

        // Authentic bytes without an end of content are refused, not guessed at.
        padded.fill(0);
        let sealed = cipher.encrypt(Nonce::from_slice(&nonce), Payload { msg: &padded, aad: &aad }).unwrap();
        let endless: Sealed<Note> = Sealed::from_parts(place.context(0), SlotContent::Envelope([&bytes[..34], &nonce, &sealed].concat()));
        assert!(world.vault.open(Purpose::Service, &endless).await.is_err());
    }
}

#[tokio::test]
async fn a_look_up_value_is_the_epochs_cipher_over_the_organisations_hmac() {
    let world = World::new().await;
    let oracle = Oracle::new(&world).await;
    let organization = organization();
    let key = world.vault.recipient_keys(organization, Class::Ops, &["ada@example.org"]).await.unwrap()[0];
    let suppressed = world.vault.recipient_keys(organization, Class::Suppress, &["ada@example.org"]).await.unwrap()[0];
    let lookup_key = (Subject::LookupKey, Class::Id);
    let suppression_key = (Subject::SuppressionKey, Class::Suppress);
    for (key, (subject, class)) in [(key, lookup_key), (suppressed, suppression_key)] {
        let hmac_key = world.vault.find_keys(&[KeyName { organization, subject, class }]).await.unwrap()[0].unwrap();
        let tag = hmac(&oracle.subject_key(hmac_key).await, b"ada@example.org");
        let block_key = hkdf(b"", &oracle.epoch_key, &[b"lethemail lookup v1".as_slice(), organization.0.as_bytes()].concat());
        let mut block = *aes_gcm::aes::Block::from_slice(&tag[..16]);
        <aes_gcm::aes::Aes256 as aes_gcm::aes::cipher::KeyInit>::new_from_slice(&block_key).unwrap().encrypt_block(&mut block);
        let row = oracle.client.query_one("SELECT value FROM keyring.lookup WHERE key = $1", &[&key.0]).await.unwrap();
        assert_eq!(row.get::<_, &[u8]>(0), block.as_slice());
    }
}

#[tokio::test]
async fn a_fingerprint_is_an_hmac_under_a_key_of_the_day_and_the_context() {
    let world = World::new().await;
    let oracle = Oracle::new(&world).await;
    let organization: OrganizationId = person(organization()).organization;
    let day = domain::Clock::now(&world.clock).day();
    let ours = world.vault.fingerprint(organization, day, "tag", &[b"campaign", b"spring"]).await.unwrap();
    let row = oracle.client.query_one("SELECT id FROM keyring.bucket WHERE bucket = $1", &[&day.0]).await.unwrap();
    let bucket = oracle.bucket_key(KeyId(row.get(0))).await;
    let key = hkdf(b"", &bucket, b"lethemail fingerprint v1 tag");
    assert_eq!(ours, hmac(&key, &fields(&[b"campaign", b"spring"])));
}
