//! Keys as objects of a PKCS #11 token. The token wraps and unwraps inside itself; a key never leaves it.
//!
//! Wrapping is AES-GCM by C_Encrypt, and not CKM_AES_KEY_WRAP_PAD by C_WrapKey: GCM binds what is wrapped to the epoch's row, key wrap has no place for
//! that, and C_WrapKey would want the epoch key as an extractable object of the token first.

mod examine;
mod token;

use super::NotUnwrapped;
use super::settings::TokenSettings;
use crate::cipher::{ALGORITHM, NONCE_LENGTH, TAG_LENGTH, VERSION, random};
use crate::error::VaultError;
use crate::secret::Secret;
use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use token::Token;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(super) struct Pkcs11Keys {
    token: Token,
}

impl Pkcs11Keys {
    pub(super) fn new(settings: TokenSettings) -> Self {
        Self { token: Token::new(settings) }
    }

    pub(super) fn ping(&self) -> Result<(), VaultError> {
        self.token.session().map(drop)
    }

    pub(super) fn create(&self, name: Uuid) -> Result<(), VaultError> {
        let session = self.token.session()?;
        if !find(&session, name)?.is_empty() {
            return Err(refused("the token has a key of this name already"));
        }
        let key = session.generate_key(&Mechanism::AesKeyGen, &template(name, true)).map_err(fault)?;
        if holds_its_keys(&session, key)? {
            return Ok(());
        }
        session.destroy_object(key).map_err(fault)?;
        Err(refused("the token makes keys that can be taken out of it"))
    }

    pub(super) fn wrap(&self, name: Uuid, aad: &[u8], secret: &Secret) -> Result<Vec<u8>, NotUnwrapped> {
        let session = self.token.session()?;
        let key = only(&session, name)?;
        let nonce = random::<NONCE_LENGTH>();
        let mut iv = nonce;
        let mechanism = gcm(&mut iv, aad)?;
        let ciphertext = session.encrypt(&mechanism, key, secret.bytes()).map_err(fault)?;
        drop(mechanism);
        // A token that would rather choose its own is none that we can read back from.
        if iv != nonce {
            return Err(refused("the token chooses another nonce than it was given").into());
        }
        Ok([&[VERSION, ALGORITHM], nonce.as_slice(), &ciphertext].concat())
    }

    pub(super) fn unwrap(&self, name: Uuid, aad: &[u8], wrapped: &[u8]) -> Result<Secret, NotUnwrapped> {
        let (mut nonce, ciphertext) = parse(wrapped).ok_or(NotUnwrapped::Refused)?;
        let session = self.token.session()?;
        let key = only(&session, name)?;
        let opened = session.decrypt(&gcm(&mut nonce, aad)?, key, ciphertext);
        let opened = Zeroizing::new(opened.map_err(|error| if is_refusal(&error) { NotUnwrapped::Refused } else { fault(error).into() })?);
        let opened: &[u8; 32] = opened.as_slice().try_into().map_err(|_| NotUnwrapped::Refused)?;
        Secret::fill(|bytes| {
            bytes.copy_from_slice(opened);
            Ok(())
        })
    }

    /// Objects that others gave the same name go too.
    pub(super) fn destroy(&self, name: Uuid) -> Result<(), VaultError> {
        let session = self.token.session()?;
        for key in find(&session, name)? {
            match session.destroy_object(key) {
                // Somebody was faster.
                Err(Error::Pkcs11(RvError::ObjectHandleInvalid, _)) | Ok(()) => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(())
    }

    pub(super) fn is_gone(&self, name: Uuid) -> Result<bool, VaultError> {
        Ok(find(&self.token.session()?, name)?.is_empty())
    }
}

/// Nonce and ciphertext of a wrapped key.
pub(super) fn parse(wrapped: &[u8]) -> Option<([u8; NONCE_LENGTH], &[u8])> {
    let (nonce, ciphertext) = wrapped.strip_prefix(&[VERSION, ALGORITHM])?.split_first_chunk()?;
    (ciphertext.len() == 32 + TAG_LENGTH).then_some((*nonce, ciphertext))
}

/// A key that cannot leave the token; `lasting` ones survive the session.
fn template(name: Uuid, lasting: bool) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Token(lasting),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Id(name.as_bytes().to_vec()),
        Attribute::Label(format!("lethemail epoch {}", name.simple()).into_bytes()),
    ]
}

/// Whether the token says of this key what was asked for.
fn holds_its_keys(session: &Session, key: ObjectHandle) -> Result<bool, VaultError> {
    let wanted = [AttributeType::Sensitive, AttributeType::Extractable];
    let attributes = session.get_attributes(key, &wanted).map_err(fault)?;
    Ok(attributes.contains(&Attribute::Sensitive(true)) && attributes.contains(&Attribute::Extractable(false)))
}

fn find(session: &Session, name: Uuid) -> Result<Vec<ObjectHandle>, VaultError> {
    let named = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Id(name.as_bytes().to_vec())];
    session.find_objects(&named).map_err(fault)
}

fn only(session: &Session, name: Uuid) -> Result<ObjectHandle, NotUnwrapped> {
    match find(session, name)?.as_slice() {
        [] => Err(NotUnwrapped::Missing),
        [key] => Ok(*key),
        _ => Err(refused("the token has several keys of one name").into()),
    }
}

fn gcm<'a>(nonce: &'a mut [u8; NONCE_LENGTH], aad: &'a [u8]) -> Result<Mechanism<'a>, VaultError> {
    Ok(Mechanism::AesGcm(GcmParams::new(nonce, aad, 128.into()).map_err(fault)?))
}

/// What tokens answer when the tag does not fit; the older standard has no code of its own for that.
fn is_refusal(error: &Error) -> bool {
    use RvError::{EncryptedDataInvalid, EncryptedDataLenRange, FunctionFailed, GeneralError};
    let codes = [EncryptedDataInvalid, EncryptedDataLenRange, FunctionFailed, GeneralError];
    matches!(error, Error::Pkcs11(code, Function::Decrypt) if codes.contains(code))
}

fn refused(reason: impl ToString) -> VaultError {
    VaultError::refused(domain::KeyProvider::Pkcs11, reason)
}

/// What a wrong PIN or a rule of the token brings about does not pass by itself; everything else may.
fn fault(error: Error) -> VaultError {
    use RvError::{ActionProhibited, AttributeValueInvalid, MechanismInvalid, PinExpired, PinIncorrect, PinLocked, TokenWriteProtected};
    let lasting = [ActionProhibited, AttributeValueInvalid, MechanismInvalid, PinExpired, PinIncorrect, PinLocked, TokenWriteProtected];
    match &error {
        Error::Pkcs11(code, _) if lasting.contains(code) => refused(error),
        _ => VaultError::away(domain::KeyProvider::Pkcs11, error),
    }
}
