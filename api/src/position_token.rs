//! Positions as clients see them: opaque, and good for one log only.

use crate::state::State;
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Position;
use event_store::ReadError;

/// Names a log and its positions (`event_store::LogName`). A log that was restored keeps its name; a copy in another store has another.
pub(crate) type LogId = [u8; 8];

/// A position together with the log that it is a position of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PositionToken {
    pub log: LogId,
    pub position: Position,
}

/// Like [`crate::call::Denied`], without a text of its own.
#[derive(Debug)]
pub(crate) enum PositionError {
    OtherLog,
    Read(ReadError),
}

const LENGTH: usize = 8 + 16;

impl PositionToken {
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (log, position) = bytes.split_at(8);
        let position = Position::from_bytes(position.try_into().expect("the rest has sixteen bytes"));
        Some(Self { log: log.try_into().expect("the front has eight bytes"), position })
    }
}

impl std::fmt::Display for PositionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.log);
        bytes[8..].copy_from_slice(&self.position.to_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// A place in the log: opaque, ordered by time, and only of use in `atLeast`, which makes a query see at least everything up to there.
#[Scalar(name = "Position")]
impl ScalarType for PositionToken {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => PositionToken::parse(text).ok_or_else(|| InputValueError::custom("not a position")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl State {
    pub(crate) async fn position_token(&self, position: Position) -> Result<PositionToken, ReadError> {
        Ok(PositionToken { log: self.log_id().await?, position })
    }

    /// The position that a client gave, when it is one of this log.
    pub(crate) async fn position_of(&self, token: PositionToken) -> Result<Position, PositionError> {
        if token.log == self.log_id().await.map_err(PositionError::Read)? { Ok(token.position) } else { Err(PositionError::OtherLog) }
    }

    async fn log_id(&self) -> Result<LogId, ReadError> {
        if let Some(known) = self.log_id.get() {
            return Ok(*known);
        }
        // An empty log has no name yet, and no position worth one.
        let Some(name) = self.store.name().await? else { return Ok(LogId::default()) };
        Ok(*self.log_id.get_or_init(|| name.id))
    }
}
