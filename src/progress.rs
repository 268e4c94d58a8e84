//! Progress bars for whatever takes longer than a moment.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// What is quicker than this needs no bar.
const QUIET: Duration = Duration::from_secs(2);

/// A bar over `total` steps. It shows itself after two seconds, on standard error, and only when that is a terminal.
pub fn bar(what: &'static str, total: u64) -> Progress {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_message(what);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta} left").expect("the template is well formed");
    bar.set_style(style);
    Progress { bar, shown: false, terminal: std::io::stderr().is_terminal() }
}

pub struct Progress {
    bar: ProgressBar,
    shown: bool,
    terminal: bool,
}

impl Progress {
    /// Another part of the work begins, over so many steps.
    pub fn begin(&mut self, what: &'static str, total: u64) {
        self.bar.set_message(what);
        self.bar.set_length(total);
    }

    /// `done` steps of the total are behind us.
    pub fn at(&mut self, done: u64) {
        if self.terminal && !self.shown && self.bar.elapsed() > QUIET {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
