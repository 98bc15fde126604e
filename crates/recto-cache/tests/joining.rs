//! One computation for all who ask at the same time.

#![cfg(test)]

use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use recto_cache::{JoinError, Joining};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_callers_cost_one_computation() {
    let joining = Joining::<u32, u32, String>::new();
    let computed = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let asked = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..500 {
        let (joining, computed, gate, asked) = (joining.clone(), computed.clone(), gate.clone(), asked.clone());
        callers.spawn(async move {
            let make = |_| async move {
                computed.fetch_add(1, Ordering::SeqCst);
                let _permit = gate.acquire().await.unwrap();
                Ok(42)
            };
            let mut answer = Box::pin(joining.get_or_compute(7, make));
            // Who was polled once has joined.
            let first = std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
            asked.fetch_add(1, Ordering::SeqCst);
            match first {
                Poll::Ready(answer) => answer.unwrap(),
                Poll::Pending => answer.await.unwrap(),
            }
        });
    }
    while asked.load(Ordering::SeqCst) < 500 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(500);
    assert!(callers.join_all().await.iter().all(|value| *value == 42));
    assert_eq!(computed.load(Ordering::SeqCst), 1);
    assert_eq!(joining.running(), 0);
}

#[tokio::test]
async fn different_keys_and_later_callers_compute_for_themselves() {
    let joining = Joining::<u32, u32, String>::new();
    for (key, value) in [(1, 10), (2, 20), (1, 30)] {
        assert_eq!(joining.get_or_compute(key, move |_| async move { Ok(value) }).await.unwrap(), value);
    }
}

#[tokio::test]
async fn an_error_is_shared_and_not_kept() {
    let joining = Joining::<&str, u32, String>::new();
    let (go, wait) = oneshot::channel::<()>();
    let first = joining.get_or_compute("k", |_| async move {
        wait.await.unwrap();
        Err("broken".to_owned())
    });
    let second = joining.get_or_compute("k", |_| async { Ok(1) });
    let (first, second, ()) = tokio::join!(first, second, async { go.send(()).unwrap() });
    let (JoinError::Failed(first), JoinError::Failed(second)) = (first.unwrap_err(), second.unwrap_err()) else {
        panic!("both wait for the same failure");
    };
    assert!(Arc::ptr_eq(&first, &second) && *first == "broken");
    assert_eq!(joining.get_or_compute("k", |_| async { Ok(2) }).await.unwrap(), 2);
}

#[tokio::test]
async fn a_panic_is_an_error_for_all_and_the_key_is_free_again() {
    let joining = Joining::<u32, u32, String>::new();
    for panics_early in [true, false] {
        let make = move |_| {
            assert!(!panics_early, "in the maker, on purpose");
            async move {
                tokio::task::yield_now().await;
                panic!("in the future, on purpose")
            }
        };
        let (first, second) = tokio::join!(joining.get_or_compute(1, make), joining.get_or_compute(1, make));
        assert!(matches!(first, Err(JoinError::Panicked)), "{first:?}");
        assert!(matches!(second, Err(JoinError::Panicked)), "{second:?}");
        assert_eq!(joining.running(), 0);
    }
    assert_eq!(joining.get_or_compute(1, |_| async { Ok(5) }).await.unwrap(), 5);
}

#[tokio::test]
async fn the_first_caller_may_leave_and_the_others_still_get_the_value() {
    let joining = Joining::<u32, u32, String>::new();
    let (go, wait) = oneshot::channel::<()>();
    let mut first = Box::pin(joining.get_or_compute(1, |signal| async move {
        wait.await.unwrap();
        assert!(!signal.is_cancelled());
        Ok(9)
    }));
    assert!(poll_once(first.as_mut()).await.is_none());
    let mut second = Box::pin(joining.get_or_compute(1, |_| async { Ok(0) }));
    assert!(poll_once(second.as_mut()).await.is_none());
    drop(first);
    go.send(()).unwrap();
    assert_eq!(second.await.unwrap(), 9);
}

#[tokio::test]
async fn when_the_last_caller_leaves_the_signal_fires_and_the_key_is_free() {
    let joining = Joining::<u32, u32, String>::new();
    let (hook_ran, hook) = oneshot::channel();
    let (queue_left, left) = oneshot::channel();
    let mut callers = Vec::new();
    let mut maker = Some((hook_ran, queue_left));
    for _ in 0..3 {
        let mut taken = maker.take();
        let mut caller = Box::pin(joining.get_or_compute(1, move |signal| async move {
            let (hook_ran, queue_left) = taken.take().unwrap();
            signal.on_cancel(move || hook_ran.send(()).unwrap());
            let waited = signal.or_cancelled(std::future::pending::<()>()).await;
            queue_left.send(waited.is_none() && signal.is_cancelled()).unwrap();
            signal.cancelled().await;
            Ok(1)
        }));
        assert!(poll_once(caller.as_mut()).await.is_none());
        callers.push(caller);
    }
    tokio::task::yield_now().await;
    assert_eq!(joining.running(), 1);
    callers.pop();
    callers.pop();
    assert_eq!(joining.running(), 1);
    callers.pop();
    assert_eq!(joining.running(), 0);
    hook.await.unwrap();
    assert!(left.await.unwrap());
    assert_eq!(joining.get_or_compute(1, |_| async { Ok(2) }).await.unwrap(), 2);
}

#[tokio::test]
async fn a_computation_that_was_left_does_not_end_its_successor() {
    let joining = Joining::<u32, u32, String>::new();
    let (go, wait) = oneshot::channel::<()>();
    let (ended, end) = oneshot::channel();
    let mut left = Box::pin(joining.get_or_compute(1, |_| async move {
        wait.await.unwrap();
        ended.send(()).unwrap();
        Ok(1)
    }));
    assert!(poll_once(left.as_mut()).await.is_none());
    drop(left);
    let (go_on, wait_on) = oneshot::channel::<()>();
    let mut successor = Box::pin(joining.get_or_compute(1, |_| async move {
        wait_on.await.unwrap();
        Ok(2)
    }));
    assert!(poll_once(successor.as_mut()).await.is_none());
    go.send(()).unwrap();
    end.await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(joining.running(), 1, "the successor is still on its way");
    go_on.send(()).unwrap();
    assert_eq!(successor.await.unwrap(), 2);
}

#[test]
fn a_runtime_that_stops_tells_those_who_wait() {
    let joining = Joining::<u32, u32, String>::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut caller = Box::pin(joining.get_or_compute(1, |_| std::future::pending()));
    runtime.block_on(async { assert!(poll_once(caller.as_mut()).await.is_none()) });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(matches!(other.block_on(caller), Err(JoinError::Stopped)));
    assert_eq!(joining.running(), 0);
}

/// Polls once: the value, if it is there.
async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
