//! A person with an account.

use super::{Organization, call, reader};
use crate::graphql::code::internal;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Category, Folded, OrganizationId, Purpose, StreamName, User as Account, UserDetails, UserId, fold};
use projections::organizations;
use std::sync::Arc;
use tokio::sync::OnceCell;
use vault::Opened;

/// The account, and its details where they were ever given.
type Known = (Folded<Account>, Option<Opened<UserDetails>>);

/// A person with an account.
#[derive(Clone)]
pub(crate) struct User {
    id: UserId,
    account: Arc<OnceCell<Known>>,
}

impl User {
    pub fn new(id: UserId) -> Self {
        Self { id, account: Arc::default() }
    }

    /// Accounts have no read model of their own: a person's stream is short.
    async fn account(&self, context: &Context<'_>) -> Result<&Known> {
        let call = call(context);
        let state = &call.state;
        let account = self.account.get_or_try_init(|| async {
            let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, self.id.0);
            let events = state.store.read_streams(&[stream]).await.map_err(internal)?.pop().unwrap_or_default();
            let folded: Folded<Account> = fold(stream, &events).map_err(internal)?;
            let details = match &folded.state.details {
                Some(sealed) => Some(call.open(Purpose::Service, sealed).await.map_err(internal)?),
                None => None,
            };
            Ok::<_, async_graphql::Error>((folded, details))
        });
        account.await
    }
}

/// A person with an account.
#[Object]
impl User {
    /// The person's id.
    pub async fn id(&self) -> ID {
        NodeId::new(Category::User, OrganizationId::PLATFORM, self.id.0).into()
    }

    /// What the person is called.
    async fn name(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.account(context).await?.1.as_ref().and_then(shown).map(|details| details.name.as_str()))
    }

    /// The mail address.
    async fn address(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.account(context).await?.1.as_ref().and_then(shown).map(|details| details.address.as_str()))
    }

    /// Whether name and address can be read.
    async fn personal_data(&self, context: &Context<'_>) -> Result<Option<PersonalData>> {
        Ok(self.account(context).await?.1.as_ref().map(PersonalData::from))
    }

    /// When the account was asked for.
    async fn signed_up_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.account(context).await?.0.state.signed_up_at.map(|time| time.to_datetime()))
    }

    /// The organizations that the person belongs to, oldest first.
    async fn organizations(&self, context: &Context<'_>) -> Result<Vec<Organization>> {
        let call = call(context);
        let rows = organizations::of_user(&*reader(call).await?, self.id).await.map_err(internal)?;
        Organization::of_rows(call, rows.into_iter().map(|(row, _)| row).collect()).await
    }
}
