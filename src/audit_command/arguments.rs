//! Moments, purposes and formats on the command line.

use clap::{Args, ValueEnum};
use domain::{Position, Purpose, Timestamp};
use history::{History, HistoryError, Moment};

/// When something is looked at.
#[derive(Args, Clone, Debug)]
pub(crate) struct AtArguments {
    /// As of this time (RFC 3339), by the time at which things happened; now where no moment is given
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// As of this place in the log
    #[arg(long, value_name = "POSITION", value_parser = position, conflicts_with = "at")]
    at_position: Option<Position>,
}

/// Between which moments.
#[derive(Args, Clone, Debug)]
pub(crate) struct BetweenArguments {
    /// After this time (RFC 3339); from the beginning where no first moment is given
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// After this place in the log
    #[arg(long, value_name = "POSITION", value_parser = position, conflicts_with = "from")]
    from_position: Option<Position>,
    /// Up to this time (RFC 3339); up to now where no second moment is given
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Up to this place in the log
    #[arg(long, value_name = "POSITION", value_parser = position, conflicts_with = "to")]
    to_position: Option<Position>,
}

/// Whether personal data is opened.
#[derive(Args, Clone, Debug)]
pub(crate) struct Opening {
    /// Open the personal data that may be opened for this purpose; needs the key directory
    #[arg(long, value_name = "PURPOSE", value_parser = purpose)]
    pub open: Option<Purpose>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

impl AtArguments {
    pub fn moment(&self) -> anyhow::Result<Option<Moment>> {
        Ok(moment(self.at, self.at_position))
    }
}

impl BetweenArguments {
    pub async fn moments(&self, history: &History) -> Result<(Moment, Moment), HistoryError> {
        let from = moment(self.from, self.from_position).unwrap_or(Moment::Position(Position::START));
        let to = moment(self.to, self.to_position).unwrap_or(history.now());
        history.check_past(from).await?;
        history.check_past(to).await?;
        Ok((from, to))
    }
}

fn moment(time: Option<Timestamp>, position: Option<Position>) -> Option<Moment> {
    time.map(Moment::Time).or(position.map(Moment::Position))
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|time| Timestamp::from(time.to_utc()))
        .map_err(|_| "not a time as in 2026-09-21T14:13:20Z".to_owned())
}

/// As positions are printed: one number, or two where the halves differ.
fn position(text: &str) -> Result<Position, String> {
    let (commit, prepare) = text.split_once('/').unwrap_or((text, text));
    let half = |text: &str| text.parse::<u64>().map_err(|_| "not a position as in 42".to_owned());
    Ok(Position { commit: half(commit)?, prepare: half(prepare)? })
}

fn purpose(text: &str) -> Result<Purpose, String> {
    let word = serde_json::Value::String(text.replace('-', "_"));
    serde_json::from_value(word).map_err(|_| {
        let words: Vec<String> =
            Purpose::ALL.iter().filter_map(|known| serde_json::to_value(known).ok()?.as_str().map(str::to_owned)).collect();
        format!("not a purpose; there are {}", words.join(", "))
    })
}
