//! Named tasks that stop together: stop listening, drain with a timeout, report.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Metrics;

/// What happened at stop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StopReport {
    /// Names of tasks that did not end within the grace and were aborted.
    pub aborted: Vec<String>,
    /// Tasks that had panicked during the life of the process.
    pub panicked: u64,
}

impl StopReport {
    /// Whether everything ended by itself.
    #[must_use]
    pub fn graceful(&self) -> bool {
        self.aborted.is_empty()
    }
}

#[derive(Default)]
struct Tasks {
    running: BTreeMap<u64, (String, AbortHandle)>,
    next: u64,
    panicked: u64,
}

/// Starts and stops tasks; cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    cancel: CancellationToken,
    tracker: TaskTracker,
    tasks: Arc<Mutex<Tasks>>,
    metrics: Metrics,
    lost: watch::Sender<Option<String>>,
}

/// Ends an inner task with the one that waits for it.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor").field("running", &self.running()).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// A supervisor that counts into `metrics`.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self {
            cancel: CancellationToken::new(),
            tracker: TaskTracker::new(),
            tasks: Arc::new(Mutex::new(Tasks::default())),
            metrics,
            lost: watch::Sender::new(None),
        }
    }

    /// The token that is cancelled when the process should stop.
    #[must_use]
    pub fn cancel_token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Names of the tasks that run now, sorted.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let mut names: Vec<String> = self.lock().running.values().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Starts a task. It should end soon after the cancel token is cancelled; a panic ends it alone.
    pub fn spawn<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let handle: JoinHandle<()> = tokio::spawn(task);
        let key = {
            let mut tasks = self.lock();
            let key = tasks.next;
            tasks.next += 1;
            tasks.running.insert(key, (name.clone(), handle.abort_handle()));
            key
        };
        let this = self.clone();
        self.tracker.spawn(async move {
            let ended = handle.await;
            this.ended(key, &name, ended);
        });
    }

    /// Starts a task the process cannot be without: when it ends or panics before the stop, [`Supervisor::lost`] says so.
    pub fn spawn_vital<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let (lost, cancel, shown) = (self.lost.clone(), self.cancel.clone(), name.clone());
        self.spawn(format!("{name}.watch"), async move {
            let ended = tokio::spawn(task);
            let abort = AbortOnDrop(ended.abort_handle());
            let panicked = ended.await.is_err();
            drop(abort);
            if !cancel.is_cancelled() {
                tracing::error!(task.name = %shown, panicked, "task {shown} ended although the centre needs it");
                lost.send_replace(Some(shown));
            }
        });
    }

    /// The name of a vital task that ended; a watch that turns `Some` once.
    #[must_use]
    pub fn lost(&self) -> watch::Receiver<Option<String>> {
        self.lost.subscribe()
    }

    /// Starts a task that is started again, with growing pauses up to a minute, whenever it ends before the stop.
    pub fn spawn_restarting<F, Make>(&self, name: impl Into<String>, mut make: Make)
    where
        F: Future<Output = ()> + Send + 'static,
        Make: FnMut() -> F + Send + 'static,
    {
        let name = name.into();
        let (this, cancel) = (self.clone(), self.cancel.clone());
        self.spawn(format!("{name}.keeper"), async move {
            let mut pause = Duration::from_millis(250);
            while !cancel.is_cancelled() {
                let started = tokio::time::Instant::now();
                let inner = tokio::spawn(make());
                let abort = AbortOnDrop(inner.abort_handle());
                let ended = inner.await;
                drop(abort);
                if cancel.is_cancelled() {
                    return;
                }
                if ended.is_err() {
                    this.count_panic(&name);
                }
                if started.elapsed() > Duration::from_secs(60) {
                    pause = Duration::from_millis(250);
                }
                tracing::warn!(task.name = %name, pause_ms = pause.as_millis() as u64, "task {name} ended early; starting it again");
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(60)),
                }
            }
        });
    }

    /// Cancels everything, waits up to `grace`, aborts the rest and says what happened.
    pub async fn stop(&self, grace: Duration) -> StopReport {
        self.cancel.cancel();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return StopReport { aborted: Vec::new(), panicked: self.lock().panicked };
        }
        let late: Vec<(String, AbortHandle)> = self.lock().running.values().cloned().collect();
        for (_, handle) in &late {
            handle.abort();
        }
        let mut aborted: Vec<String> = late.into_iter().map(|(name, _)| name).collect();
        aborted.sort();
        StopReport { aborted, panicked: self.lock().panicked }
    }

    fn ended(&self, key: u64, name: &str, ended: Result<(), JoinError>) {
        self.lock().running.remove(&key);
        if ended.is_err_and(|error| error.is_panic()) {
            self.count_panic(name);
        }
    }

    fn count_panic(&self, name: &str) {
        self.lock().panicked += 1;
        self.metrics.counter("task_panics", "Tasks that ended by a panic.").inc();
        tracing::error!(task.name = %name, "task {name} panicked");
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn stop_waits_for_those_who_listen_and_aborts_the_rest() {
        let supervisor = Supervisor::new(Metrics::default());
        let cancel = supervisor.cancel_token();
        let drained = Arc::new(AtomicU32::new(0));
        let seen = drained.clone();
        supervisor.spawn("polite", async move {
            cancel.cancelled().await;
            seen.fetch_add(1, Ordering::SeqCst);
        });
        supervisor.spawn("deaf", std::future::pending());
        assert_eq!(supervisor.running(), ["deaf", "polite"]);
        let report = supervisor.stop(Duration::from_millis(50)).await;
        assert_eq!(report.aborted, ["deaf"]);
        assert_eq!(drained.load(Ordering::SeqCst), 1);
        assert!(!report.graceful());
    }

    #[tokio::test]
    async fn a_panic_ends_one_task_and_is_counted() {
        let supervisor = Supervisor::new(Metrics::default());
        supervisor.spawn("clumsy", async { panic!("on purpose") });
        let report = supervisor.stop(Duration::from_secs(5)).await;
        assert_eq!((report.graceful(), report.panicked), (true, 1));
    }

    #[tokio::test]
    async fn a_vital_task_that_ends_is_told() {
        let supervisor = Supervisor::new(Metrics::default());
        let mut lost = supervisor.lost();
        supervisor.spawn_vital("history", async { panic!("on purpose") });
        assert_eq!(lost.wait_for(Option::is_some).await.unwrap().as_deref(), Some("history"));
        let calm = Supervisor::new(Metrics::default());
        let cancel = calm.cancel_token();
        calm.spawn_vital("listener", async move { cancel.cancelled().await });
        assert!(calm.stop(Duration::from_secs(5)).await.graceful());
        assert!(calm.lost().borrow().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_keeper_starts_its_task_again() {
        let supervisor = Supervisor::new(Metrics::default());
        let starts = Arc::new(AtomicU32::new(0));
        let (seen, enough) = (starts.clone(), CancellationToken::new());
        let tell = enough.clone();
        supervisor.spawn_restarting("short", move || {
            if seen.fetch_add(1, Ordering::SeqCst) == 2 {
                tell.cancel();
            }
            async {}
        });
        enough.cancelled().await;
        assert!(starts.load(Ordering::SeqCst) >= 3);
        assert!(supervisor.stop(Duration::from_secs(5)).await.graceful());
    }
}
