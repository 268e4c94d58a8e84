//! An API key is made; its secret is shown once.

use crate::create_organization::is_display_name;
use crate::credentials::api_key_token;
use crate::{Commands, Failure, Request};
use domain::{ApiKey, ApiKeyDetails, ApiKeyId, ApiKeyRefusal, Category, Class, Personal, Position, Scope, StreamName, TokenHash, Traced};
use std::collections::BTreeSet;
use vault::{KeyName, Subject};

pub struct CreateApiKey {
    pub name: Personal<String>,
    pub scopes: BTreeSet<Scope>,
}

pub struct ApiKeyMade {
    pub key: ApiKeyId,
    /// The credential, shown this once.
    pub token: Personal<String>,
    pub position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreateApiKeyRefusal {
    #[error("a name has 1 to 200 characters and no control characters")]
    NameInvalid,
    #[error(transparent)]
    Rule(ApiKeyRefusal),
}

impl Commands {
    pub async fn create_api_key(&self, by: &Request, request: CreateApiKey) -> Result<ApiKeyMade, Failure<CreateApiKeyRefusal>> {
        if !is_display_name(request.name.expose()) {
            return Err(Failure::Refused(CreateApiKeyRefusal::NameInvalid));
        }
        let id = ApiKeyId(self.ids.time_ordered(self.clock.now()));
        let key = KeyName { organization: by.organization, subject: Subject::Organization, class: Class::Id };
        let key = self.key(key).await?;
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let secret = self.vault.new_token();
        let token = TokenHash(secret.hash);
        let details = Personal::new(ApiKeyDetails { name: request.name.into_exposed() });
        let stream = StreamName::new(Category::ApiKey, by.organization, id.0);
        let recorded = self
            .decide(by, stream, |state: &ApiKey| state.create(&details, key, token, &request.scopes, traced))
            .await
            .map_err(|failure| failure.map_refusal(CreateApiKeyRefusal::Rule))?;
        let token = Personal::new(api_key_token(by.organization, id, &secret.secret));
        Ok(ApiKeyMade { key: id, token, position: recorded.position })
    }
}
