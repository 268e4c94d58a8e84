//! The server's process, tied to ours.

use super::PostgresError;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::sync::watch;

pub(super) struct Child {
    pid: Pid,
    /// False once the process is reaped: its number may belong to somebody else from then on.
    alive: Arc<Mutex<bool>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// The parent-death signal is sent when the *thread* that started the child ends, so a thread is set apart for the child's
    /// whole life: it starts the child, and then waits for it.
    pub(super) fn spawn(mut command: Command) -> Result<Self, PostgresError> {
        // SIGINT is PostgreSQL's fast shutdown: all that is committed is safe, and no recovery is needed.
        dies_with_this_thread(&mut command, Signal::SIGINT);
        // A group of its own: Ctrl-C in a terminal is for us, who then stop in order.
        command.process_group(0);
        let program = command.get_program().to_owned();
        let (started, start) = mpsc::sync_channel(1);
        let (exited, exit) = watch::channel(None);
        let alive = Arc::new(Mutex::new(true));
        let alive_in_thread = Arc::clone(&alive);
        let work = move || match command.spawn() {
            Ok(child) => {
                let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id fits pid_t"));
                drop(started.send(Ok(pid)));
                exited.send_replace(Some(reap(child, pid, &alive_in_thread)));
            }
            Err(error) => drop(started.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("postgres".into()).spawn(work);
        let failed = |error| PostgresError::io("this program cannot be run:", program)(error);
        match thread.and_then(|_| start.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))) {
            Ok(pid) => Ok(Self { pid, alive, exit }),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        if *alive {
            let _ = kill(self.pid, signal);
        }
    }

    pub(super) fn process_id(&self) -> i32 {
        self.pid.as_raw()
    }

    pub(super) async fn ended(&mut self) -> ExitStatus {
        let ended = self.exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|status| *status).expect("the thread reports before it ends")
    }
}

/// Waits without reaping first, so that nobody signals a number that was already given away.
fn reap(mut child: std::process::Child, pid: Pid, alive: &Mutex<bool>) -> ExitStatus {
    while let Err(nix::errno::Errno::EINTR) = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {}
    let mut alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
    *alive = false;
    child.wait().unwrap_or_else(|_| ExitStatus::from_raw(0x100))
}

/// The child gets `signal` when the calling thread ends, `kill -9` of the whole process included.
pub(super) fn dies_with_this_thread(command: &mut Command, signal: Signal) {
    let parent = std::process::id();
    let prepare = move || {
        // SAFETY: prctl and getppid are async-signal-safe system calls without memory arguments.
        let (set, parent_now) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong), libc::getppid()) };
        if set != 0 {
            return Err(io::Error::last_os_error());
        }
        // A parent that died before the call would never be reported.
        if u32::try_from(parent_now) != Ok(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure only makes the system calls above; it neither allocates nor locks. std runs it
    // after changing the user id, which would otherwise clear the setting.
    unsafe { command.pre_exec(prepare) };
}
