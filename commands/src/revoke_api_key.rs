//! An API key stops working, at once.

use crate::{Commands, Failure, Request};
use domain::{ApiKey, ApiKeyId, ApiKeyRefusal, Category, Position, StreamName, Traced};

pub struct RevokeApiKey {
    pub key: ApiKeyId,
}

impl Commands {
    pub async fn revoke_api_key(&self, by: &Request, request: RevokeApiKey) -> Result<Position, Failure<ApiKeyRefusal>> {
        let stream = StreamName::new(Category::ApiKey, by.organization, request.key.0);
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let recorded = self.decide(by, stream, |key: &ApiKey| key.revoke(traced)).await?;
        Ok(recorded.position)
    }
}
