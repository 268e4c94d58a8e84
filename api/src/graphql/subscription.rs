//! What can be listened to.

use crate::call::{Call, Denied};
use crate::graphql::code::{Code, internal};
use crate::graphql::objects::{EmailEvent, call, email_events};
use crate::graphql::query::readable;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, Result, Subscription as Subscribing};
use domain::{Category, EmailId, OrganizationId, Position, StreamName};
use futures::Stream;
use futures::stream;
use projections::timeline;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

pub(crate) struct Subscription;

/// Everything that can be listened to.
#[Subscribing]
impl Subscription {
    /// All that happened to a message, oldest first, and then whatever happens, without a gap. It ends with an error when the session or key ends.
    async fn email_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The message.")] email: ID,
        #[graphql(desc = "Go on behind this position, as after a lost connection.")] after: Option<PositionToken>,
    ) -> Result<impl Stream<Item = Result<EmailEvent>> + use<>> {
        let call = call(context).clone();
        let Some(node) = readable(&call, Category::Email, email.as_str()).await? else {
            return Err(Code::NotFound.error("there is no such message"));
        };
        let after = match after.or(context.data_opt::<ResumeAfter>().map(|resume| resume.0)) {
            Some(token) => call.state.position_of(token).await?,
            None => Position::START,
        };
        let stream = StreamName::new(Category::Email, node.organization, node.id);
        let news = call.state.hub.news_of(stream);
        if timeline::of_email(&call.state.store, node.organization, EmailId(node.id)).await.map_err(internal)?.is_empty() {
            return Err(Code::NotFound.error("there is no such message"));
        }
        let place = context.data_opt::<StreamPlace>().cloned().unwrap_or_default();
        Ok(stream::try_unfold(
            Following {
                call,
                organization: node.organization,
                email: EmailId(node.id),
                after,
                ready: VecDeque::new(),
                news,
                fresh: true,
                place,
            },
            Following::next,
        ))
    }
}

/// Where a client that lost its connection wants to go on (`Last-Event-ID`).
pub(crate) struct ResumeAfter(pub PositionToken);

/// The position of the last event handed out, for transports that tell it beside the event.
#[derive(Clone, Default)]
pub(crate) struct StreamPlace(Arc<Mutex<Option<PositionToken>>>);

impl StreamPlace {
    pub fn get(&self) -> Option<PositionToken> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, token: PositionToken) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }
}

/// How often a stream that nothing happens in looks whether its listener may still listen.
const RECHECK: Duration = Duration::from_secs(30);

/// A subscriber's place in one message's stream.
struct Following {
    call: Call,
    organization: OrganizationId,
    email: EmailId,
    after: Position,
    ready: VecDeque<EmailEvent>,
    news: watch::Receiver<u64>,
    /// The stream was not read since the last news.
    fresh: bool,
    place: StreamPlace,
}

impl Following {
    async fn next(mut self) -> Result<Option<(EmailEvent, Self)>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.place.set(event.place());
                return Ok(Some((event, self)));
            }
            if self.fresh {
                self.fresh = false;
                self.read().await?;
                continue;
            }
            let clock = self.call.state.clock.clone();
            tokio::select! {
                changed = self.news.changed() => {
                    if changed.is_err() {
                        return Err(Code::Internal.error("news can not be followed any longer; subscribe again"));
                    }
                }
                () = clock.sleep_until(clock.now() + RECHECK) => {}
            }
            // Whoever looks whether it may still listen looks for news as well, should word of them have been lost.
            self.fresh = true;
            self.still_allowed().await?;
        }
    }

    /// The news was taken note of before: what comes while reading is news again.
    async fn read(&mut self) -> Result<()> {
        let entries = timeline::of_email(&self.call.state.store, self.organization, self.email).await.map_err(internal)?;
        let new: Vec<_> = entries.into_iter().filter(|entry| entry.position > self.after).collect();
        if let Some(last) = new.last() {
            self.after = last.position;
        }
        self.ready.extend(email_events(&self.call, &new).await?);
        Ok(())
    }

    /// A session that ended, or a key that was revoked, while the stream lived hears nothing more.
    async fn still_allowed(&mut self) -> Result<()> {
        let caller = self.call.credential.authenticate(&self.call.state).await.map_err(internal)?;
        self.call.caller = caller;
        self.call.allow(self.organization, crate::call::Need::Read).await.map(|_| ()).map_err(Denied::into)
    }
}
