//! The system's clock. The only file that reads time or sleeps: `clippy.toml` forbids it elsewhere.

use domain::{Clock, Timestamp};
use nix::time::{ClockId, clock_gettime};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Wall time can be set back or forth while we sleep, so a long sleep looks at it again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How soon a sleeper notices that a test moved the clock file.
const LOOK_AGAIN_AT_CLOCK_FILE: Duration = Duration::from_millis(20);

/// The clock of a running installation.
#[derive(Clone, Debug, Default)]
pub struct SystemClock {
    clock_file: Option<PathBuf>,
}

/// The clock file does not hold a whole number of seconds.
#[derive(Debug, thiserror::Error)]
#[error("the clock file {} does not hold a whole number of seconds", .0.display())]
pub struct ClockFileError(PathBuf);

impl SystemClock {
    pub fn new() -> Self {
        Self::default()
    }

    /// All three faces run ahead by as many seconds as `path` says at the moment of asking, so that a test moves several processes at once.
    /// Only for data directories that were made for tests: see [`crate::DataDirectory`].
    pub fn shifted_by_file(path: PathBuf) -> Result<Self, ClockFileError> {
        match read_shift(&path) {
            Some(_) => Ok(Self { clock_file: Some(path) }),
            None => Err(ClockFileError(path)),
        }
    }

    /// A file that is being rewritten may be empty for a moment; it is read again then, since time must not jump back.
    fn shift(&self) -> Duration {
        let Some(path) = &self.clock_file else { return Duration::ZERO };
        loop {
            if let Some(shift) = read_shift(path) {
                return shift;
            }
            std::thread::yield_now();
        }
    }
}

fn read_shift(path: &std::path::Path) -> Option<Duration> {
    let text = std::fs::read_to_string(path).ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads wall time")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::default() + since_epoch + self.shift()
    }

    fn since_boot(&self) -> Duration {
        let reading = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("Linux has had CLOCK_BOOTTIME since 2.6.39");
        Duration::from(reading) + self.shift()
    }

    fn database_time(&self, reported: Timestamp) -> Timestamp {
        reported + self.shift()
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let longest = if self.clock_file.is_some() { LOOK_AGAIN_AT_CLOCK_FILE } else { LOOK_AGAIN };
        Box::pin(async move {
            loop {
                let left = time.since(self.now());
                if left.is_zero() {
                    return;
                }
                pause(left.min(longest)).await;
            }
        })
    }
}

/// Real time passing while we wait for the operating system (a process that starts or stops). No event's time hangs on it.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
