//! Where a guest goes on that computes for long: threads that run when no other wants to, on which those come first that have computed
//! least. So a guest that never ends takes only what nobody else wants, and a page that is heavy gets past it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

/// What a call may compute before it goes on in the background: several times what a page of a compiled connector takes, and less
/// than what a language's runtime needs to start.
const FOREGROUND: Duration = Duration::from_millis(20);

/// Microseconds that a call has computed.
type Computed = Arc<AtomicU64>;

/// The threads, begun with the first call that needs them; they end when this is dropped.
#[derive(Default)]
pub(super) struct Background(OnceLock<Option<Arc<Queue>>>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// By what each has computed; of those who have computed as much, who asked first comes first.
    turns: BTreeMap<(u64, u64), async_task::Runnable<Computed>>,
    /// Turns that were ever asked for.
    asked: u64,
    closed: bool,
}

impl Background {
    /// Runs a call to its end: here as long as it computes little, in the background from then on. A call whose future is dropped
    /// ends when it next gives way.
    pub(super) async fn run<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> T {
        let mut call = Box::pin(call);
        if let Some(answer) = in_foreground(call.as_mut()).await {
            return answer;
        }
        match self.0.get_or_init(Queue::begin) {
            Some(queue) => queue.spawn(call).await,
            None => call.await,
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(Some(queue)) = self.0.get() {
            queue.lock().closed = true;
            queue.changed.notify_all();
        }
    }
}

/// The answer, or nothing where the call has computed for too long to go on here.
async fn in_foreground<T>(mut call: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    let mut computed = Duration::ZERO;
    poll_fn(|context| {
        let (polled, taken) = timed(call.as_mut(), context);
        computed += taken;
        match polled {
            Poll::Pending if computed < FOREGROUND => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
        }
    })
    .await
}

/// Polls, and says what this thread computed meanwhile.
fn timed<T>(call: Pin<&mut (impl Future<Output = T> + ?Sized)>, context: &mut Context) -> (Poll<T>, Duration) {
    let computed = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap_or_default()
    };
    let begun = computed();
    let polled = call.poll(context);
    (polled, computed().saturating_sub(begun))
}

impl Queue {
    /// None where the machine gives no thread: then there is no background.
    fn begin() -> Option<Arc<Self>> {
        let queue = Arc::new(Self::default());
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
        mut call: Pin<Box<impl Future<Output = T> + Send + 'static>>,
    ) -> async_task::Task<T, Computed> {
        let computed = Computed::default();
        // What the host does for the call, as its timers and requests, stays with the runtime that it came from.
        let runtime = Handle::current();
        let counted = Arc::clone(&computed);
        let call = poll_fn(move |context| {
            let _entered = runtime.enter();
            let (polled, taken) = timed(call.as_mut(), context);
            counted.fetch_add(u64::try_from(taken.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            polled
        });
        let queue = Arc::clone(self);
        let schedule = move |runnable| queue.put(runnable);
        let task = async_task::Builder::new().propagate_panic(true).metadata(computed);
        let (runnable, task) = task.spawn(move |_| call, schedule);
        runnable.schedule();
        task
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, runnable: async_task::Runnable<Computed>) {
        let mut waiting = self.lock();
        waiting.asked += 1;
        let rank = (runnable.metadata().load(Ordering::Relaxed), waiting.asked);
        waiting.turns.insert(rank, runnable);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Who comes next, as soon as there is somebody; nobody when all is over.
    fn next(&self) -> Option<async_task::Runnable<Computed>> {
        let mut waiting = self.lock();
        while !waiting.closed {
            if let Some((_, runnable)) = waiting.turns.pop_first() {
                return Some(runnable);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    fn work(&self) {
        give_way();
        while let Some(runnable) = self.next() {
            runnable.run();
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
        let background = Background::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let here = std::thread::current().name().map(str::to_owned);
        let short = background.run(compute(Duration::ZERO, Arc::clone(&seen), "short")).await;
        assert_eq!(short, here);
        let call = |ms, name| background.run(compute(Duration::from_millis(ms), Arc::clone(&seen), name));
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
        let background = Background::default();
        let ended = Arc::new(AtomicBool::new(false));
        let told = Told(Arc::clone(&ended));
        let forever = async move {
            let _told = told;
            compute(Duration::MAX, Arc::default(), "never").await
        };
        assert!(tokio::time::timeout(Duration::from_millis(100), background.run(forever)).await.is_err());
        while !ended.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
