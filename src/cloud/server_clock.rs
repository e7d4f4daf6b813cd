//! The server's clock: what expiry times and signatures go by.
//!
//! Deliberately absent: what a wrong local clock means for the cache; `resolver` has that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use super::CLOCK_TOLERANCE;
use crate::{model::Timestamp, system::clock};

/// The server's time, learnt from the Date header of its answers.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerClock {
    /// Server minus local, in seconds, as last seen.
    offset: Arc<AtomicI64>,
    /// What is added to the local clock for signing.
    correction: Arc<AtomicI64>,
}

impl ServerClock {
    /// A clock that is known to be ahead of ours; a small difference counts as none.
    pub(super) fn ahead_by(seconds: i64) -> Self {
        let clock = Self::default();
        if seconds.abs() > CLOCK_TOLERANCE {
            clock.offset.store(seconds, Ordering::Relaxed);
            clock.correct();
        }
        clock
    }

    /// Server minus local, in seconds; 0 before the first answer.
    pub(super) fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// The server's time of now, as far as it is known.
    pub(super) fn server_now(&self) -> Timestamp {
        Timestamp(clock::now().saturating_add(self.offset()))
    }

    /// Takes the offset from the Date header of an answer.
    pub(super) fn learn(&self, header: Option<&str>) {
        let date = header.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        if let Some(date) = date {
            let server = date.timestamp().as_second();
            self.offset.store(server.saturating_sub(clock::now()), Ordering::Relaxed);
        }
    }

    /// From now on the server's time is used for signing.
    pub(super) fn correct(&self) {
        self.correction.store(self.offset(), Ordering::Relaxed);
    }
}

impl TimeSource for ServerClock {
    fn now(&self) -> SystemTime {
        let now = clock::now().saturating_add(self.correction.load(Ordering::Relaxed));
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now).unwrap_or(0))
    }
}

// The macro of the SDK that will be required one day is not needed for a hook that only reads.
impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.learn(context.response().headers().get("date"));
        Ok(())
    }
}
