//! A reaction: its name, the events it hears, its handler; and the consumer that runs it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use runtime::CancellationToken;
use store::outbox::{Consumer, Drained, Stored};
use store::{Actor, StoreError, Unit};

use crate::{Context, ProcedureError};

/// Something that runs until it is stopped.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a handler comes back with.
pub type Answer = Pin<Box<dyn Future<Output = Result<Unit, ProcedureError>> + Send>>;

/// Rooms that decide at the same moment make a unit fail its version check; it is made again so often.
const ATTEMPTS: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// One joint procedure.
#[derive(Debug, Clone, Copy)]
pub struct Reaction {
    /// The consumer's stable name.
    pub name: &'static str,
    /// The kinds of events it hears.
    pub kinds: &'static [&'static str],
    /// What it answers.
    pub handle: fn(Context, Stored) -> Answer,
}

impl Reaction {
    fn consumer(&self) -> Consumer {
        Consumer::new(self.name).kinds(self.kinds).attempts(ATTEMPTS, FIRST_PAUSE)
    }

    /// Runs until `stop` is cancelled.
    pub fn task(&self, ctx: Context, stop: CancellationToken) -> Task {
        let this = *self;
        Box::pin(async move {
            let db = ctx.db.clone();
            let ran = this.consumer().run(&db, |stored| (this.handle)(ctx.clone(), stored), stop).await;
            if let Err(error) = ran {
                tracing::error!(procedure = this.name, %error, "a procedure stopped");
            }
        })
    }

    /// Handles everything that is there now.
    ///
    /// # Errors
    /// [`StoreError`] when the store fails.
    pub async fn drain(&self, ctx: &Context) -> Result<Drained, StoreError> {
        self.consumer().drain(&ctx.db, |stored| (self.handle)(ctx.clone(), stored)).await
    }
}

/// The hand that stands in the audit tree for a procedure.
pub(crate) fn hand(name: &str) -> Actor {
    Actor::System(name.to_owned())
}

/// Nothing to do.
pub(crate) fn nothing(ctx: &Context, name: &str) -> Unit {
    Unit::new(hand(name), ctx.env.now())
}
