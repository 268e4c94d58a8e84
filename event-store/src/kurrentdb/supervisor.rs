//! Keeps a client that works: puts a new one in the place of one that failed, which also looks for the leader anew.

use super::client::{Address, Link, Trouble};
use super::promptness;
use std::time::Duration;
use tokio::sync::Mutex;

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A node that is not the leader tells who is, and the client goes there by itself. More often than this it is sent in circles.
const REDIRECTIONS_MAX: u32 = 2;

pub(super) struct Supervisor {
    address: Address,
    deadline: Duration,
    current: Mutex<Current>,
}

struct Current {
    link: Link,
    generation: u64,
    /// How long to wait before the next client, and so between attempts of whoever needs one.
    pause: Duration,
    redirections: u32,
    /// Whether a call succeeded since it was connected.
    is_proved: bool,
}

/// How long an operation has waited so far, and for how long it may.
pub(super) struct Patience {
    left: Duration,
}

impl Patience {
    pub fn new(patience: Duration) -> Self {
        Self { left: patience }
    }

    /// Whether there is still some after this wait.
    fn spend(&mut self, waited: Duration) -> bool {
        self.left = self.left.saturating_sub(waited);
        !self.left.is_zero()
    }
}

impl Supervisor {
    pub fn new(address: Address, deadline: Duration) -> Result<Self, Trouble> {
        let link = Link::new(&address, deadline)?;
        let current = Mutex::new(Current { link, generation: 0, pause: PAUSE_MIN, redirections: 0, is_proved: false });
        Ok(Self { address, deadline, current })
    }

    /// The client of now, with its number for [`Self::replace`].
    pub async fn link(&self) -> (Link, u64) {
        let current = self.current.lock().await;
        (current.link.clone(), current.generation)
    }

    /// After a call that succeeded: the next failure is answered at once again.
    pub async fn proved(&self, generation: u64) {
        let mut current = self.current.lock().await;
        if current.generation == generation && !current.is_proved {
            (current.pause, current.redirections, current.is_proved) = (PAUSE_MIN, 0, true);
            self.make_prompt();
        }
    }

    pub fn make_prompt(&self) {
        promptness::set(&self.address.ports());
    }

    /// What to do after `trouble`: `Ok` means that the call may be repeated now, with another client where that helps. `Err` gives the
    /// trouble back when repeating is of no use, or patience is at its end.
    pub async fn recover(&self, generation: u64, trouble: Trouble, patience: &mut Patience) -> Result<(), Trouble> {
        let waited = match trouble {
            Trouble::NotReached | Trouble::NotLeader | Trouble::Lost => Duration::ZERO,
            Trouble::Silent => self.deadline,
            _ => return Err(trouble),
        };
        let paused = self.replace(generation, trouble == Trouble::NotLeader).await?;
        if patience.spend(waited + paused) { Ok(()) } else { Err(trouble) }
    }

    /// Puts a new client in the place of the present one, whatever became of it.
    pub async fn renew(&self) -> Result<(), Trouble> {
        let (_, generation) = self.link().await;
        self.replace(generation, false).await.map(|_| ())
    }

    /// Whoever comes while another one waits here finds a new client.
    async fn replace(&self, generation: u64, redirected: bool) -> Result<Duration, Trouble> {
        let mut current = self.current.lock().await;
        let pause = current.pause;
        if current.generation != generation {
            return Ok(pause);
        }
        super::pause(pause).await;
        current.is_proved = false;
        current.redirections += u32::from(redirected);
        if redirected && current.redirections <= REDIRECTIONS_MAX {
            return Ok(pause);
        }
        tracing::warn!("the connection to KurrentDB failed; looking for the leader anew");
        current.pause = (pause * 2).min(PAUSE_MAX);
        current.link = Link::new(&self.address, self.deadline)?;
        current.generation += 1;
        current.redirections = 0;
        Ok(pause)
    }
}
