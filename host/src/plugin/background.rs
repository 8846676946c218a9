//! Where a guest goes on that computes for long: threads that run when no other wants to, on which those come first that have computed
//! least. So a guest that never ends takes only what nobody else wants, and a page that is heavy gets past it.
//!
//! A core that computes slows its neighbours, whatever its priority: they share caches, memory and, mostly, the core itself. So while
//! calls keep coming, a plugin's guests rest after each turn, the longer the more they have computed together without an end.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use super::group::{Group, Guest};

/// What a call may compute before it goes on in the background: several times what a page of a compiled connector takes, and less
/// than what a language's runtime needs to start.
const FOREGROUND: Duration = Duration::from_millis(20);

/// The same where others of the plugin have computed for long and not ended: still more than most pages of a compiled connector take.
const SHORTER: Duration = Duration::from_millis(5);

/// How long after a call has come in more are expected. Rests end when it is over.
const BUSY: Duration = Duration::from_millis(50);

type Runnable = async_task::Runnable<Arc<Guest>>;

/// The threads, begun with the first call that needs them; they end when this is dropped.
pub(super) struct Background {
    queue: OnceLock<Option<Arc<Queue>>>,
    calls: Arc<Calls>,
}

/// When the last call came in, in milliseconds since this was made.
struct Calls {
    begun: Instant,
    last: AtomicU64,
}

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    calls: Arc<Calls>,
}

#[derive(Default)]
struct Waiting {
    /// By what each has computed; of those who have computed as much, who asked first comes first.
    turns: BTreeMap<(Duration, u64), Runnable>,
    /// Turns that were ever asked for.
    asked: u64,
    closed: bool,
}

impl Default for Background {
    fn default() -> Self {
        let calls = Calls { begun: Instant::now(), last: AtomicU64::new(0) };
        Self { queue: OnceLock::new(), calls: Arc::new(calls) }
    }
}

impl Background {
    /// Runs a call of a group to its end: here as long as it computes little, in the background from then on. A call whose future is
    /// dropped ends when it next gives way.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        group: &Arc<Group>,
        call: impl Future<Output = T> + Send + 'static,
        is_well: impl Fn(&T) -> bool,
    ) -> T {
        self.calls.note();
        let guest = Arc::new(Guest::of(Arc::clone(group)));
        let mut call = Box::pin(call);
        let answer = match in_foreground(&guest, call.as_mut()).await {
            Some(answer) => answer,
            None => match self.queue.get_or_init(|| Queue::begin(&self.calls)) {
                Some(queue) => queue.spawn(Arc::clone(&guest), call).await,
                None => call.await,
            },
        };
        if is_well(&answer) {
            guest.ended_well();
        }
        answer
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(Some(queue)) = self.queue.get() {
            queue.lock().closed = true;
            queue.changed.notify_all();
        }
    }
}

impl Calls {
    fn note(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    fn keep_coming(&self) -> bool {
        Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed))) < BUSY
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The answer, or nothing where the call has computed for too long to go on here.
async fn in_foreground<T>(guest: &Guest, mut call: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    poll_fn(|context| {
        let (polled, taken) = timed(|| call.as_mut().poll(context));
        guest.has_computed(taken);
        let most = if guest.group().is_tiresome() { SHORTER } else { FOREGROUND };
        match polled {
            Poll::Pending if guest.computed() < most => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
        }
    })
    .await
}

/// What comes of it, and what this thread computed meanwhile.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let computed = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let begun = computed();
    let done = work();
    (done, computed().saturating_sub(begun))
}

impl Queue {
    /// None where the machine gives no thread: then there is no background.
    fn begin(calls: &Arc<Calls>) -> Option<Arc<Self>> {
        let queue = Self { waiting: Mutex::default(), changed: Condvar::new(), calls: Arc::clone(calls) };
        let queue = Arc::new(queue);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let begun = (0..threads).map(|_| {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name("ferry-guests".into()).spawn(move || queue.work())
        });
        let failed = begun.filter_map(Result::err).inspect(|error| {
            tracing::warn!(%error, "a thread for plugins that compute for long could not be begun");
        });
        (failed.count() < threads).then_some(queue)
    }

    fn spawn<T: Send + 'static>(
        self: &Arc<Self>,
        guest: Arc<Guest>,
        mut call: Pin<Box<impl Future<Output = T> + Send + 'static>>,
    ) -> async_task::Task<T, Arc<Guest>> {
        // What the host does for the call, as its timers and requests, stays with the runtime that it came from.
        let runtime = Handle::current();
        let counted = Arc::clone(&guest);
        let call = poll_fn(move |context| {
            let _entered = runtime.enter();
            let (polled, taken) = timed(|| call.as_mut().poll(context));
            counted.has_computed(taken);
            polled
        });
        let queue = Arc::clone(self);
        let schedule = move |runnable| queue.put(runnable);
        let task = async_task::Builder::new().propagate_panic(true).metadata(guest);
        let (runnable, task) = task.spawn(move |_| call, schedule);
        runnable.schedule();
        task
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, runnable: Runnable) {
        let mut waiting = self.lock();
        waiting.asked += 1;
        let rank = (runnable.metadata().computed(), waiting.asked);
        waiting.turns.insert(rank, runnable);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Who comes next, as soon as there is somebody who does not rest; nobody when all is over.
    fn next(&self) -> Option<Runnable> {
        let mut waiting = self.lock();
        while !waiting.closed {
            let now = Instant::now();
            let rest = |guest: &Guest| guest.group().rests_until().saturating_duration_since(now);
            let rests = waiting.turns.iter().map(|(rank, runnable)| (rest(runnable.metadata()), *rank));
            let Some((rest, rank)) = rests.min() else {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if rest.is_zero() || !self.calls.keep_coming() {
                return waiting.turns.remove(&rank);
            }
            (waiting, _) = self.changed.wait_timeout(waiting, rest.min(BUSY)).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn work(&self) {
        give_way();
        while let Some(runnable) = self.next() {
            let guest = Arc::clone(runnable.metadata());
            let ((), taken) = timed(|| _ = runnable.run());
            guest.group().rest_after(taken, Instant::now());
        }
    }
}

/// Has this thread run only when no other wants to. A nice value would not do: whoever wakes up waits until a nice thread's turn is over.
/// Where there is no such class, the order of turns alone must do.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = thread_priority::thread_native_id();
        if let Err(error) = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
            tracing::warn!(?error, "plugins that compute for long run at the priority of all else");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Computes for so long, giving way now and then, and says where.
    async fn compute(time: Duration, seen: Arc<Mutex<Vec<&'static str>>>, name: &'static str) -> Option<String> {
        let mut computed = Duration::ZERO;
        while computed < time {
            let slice = std::time::Instant::now();
            while slice.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            computed += Duration::from_millis(2);
            tokio::task::yield_now().await;
        }
        seen.lock().unwrap().push(name);
        std::thread::current().name().map(str::to_owned)
    }

    #[tokio::test]
    async fn what_computes_for_long_goes_on_elsewhere_and_lets_the_shorter_pass() {
        let (background, group) = (Background::default(), Arc::new(Group::default()));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let here = std::thread::current().name().map(str::to_owned);
        let well = |_: &_| true;
        let short = background.run(&group, compute(Duration::ZERO, Arc::clone(&seen), "short"), well).await;
        assert_eq!(short, here);
        let call = |ms, name| background.run(&group, compute(Duration::from_millis(ms), Arc::clone(&seen), name), well);
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let (long, middle) = (400, 60);
        let (one, two) =
            tokio::join!(futures::future::join_all((0..=threads).map(|_| call(long, "long"))), call(middle, "middle"));
        assert!(one.into_iter().chain([two]).all(|thread| thread.as_deref() == Some("ferry-guests")));
        assert_eq!(seen.lock().unwrap()[..2], ["short", "middle"]);
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_ends() {
        struct Told(Arc<AtomicBool>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let (background, group) = (Background::default(), Arc::new(Group::default()));
        let ended = Arc::new(AtomicBool::new(false));
        let told = Told(Arc::clone(&ended));
        let forever = async move {
            let _told = told;
            compute(Duration::MAX, Arc::default(), "never").await
        };
        assert!(
            tokio::time::timeout(Duration::from_millis(100), background.run(&group, forever, |_| true)).await.is_err()
        );
        while !ended.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
