//! A policy or effect whose types are erased, as the runtime holds it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::decider::Decider;
use domain::streams::{Halt, Streams};
use event_store::{Happened, RecordedEvent};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cause::Cause;
use super::effect::Effect;
use super::error::Failure;
use super::policy::{Policy, Reaction};

/// How many timers of a policy one process carries out at once.
const TIMERS_AT_ONCE: u32 = 4;

/// A command that was read, ready to be decided.
pub(super) type Decide = Box<dyn FnMut(&mut Streams) -> Result<(), Halt> + Send>;
type React = fn(&RecordedEvent) -> Result<Vec<Reaction<String>>, String>;
type Run = dyn Fn(&str, Cause) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// How what is due is done.
#[derive(Clone)]
pub(super) enum Handler {
    /// By a command of the domain.
    CarryOut(fn(&str) -> Result<Decide, serde_json::Error>),
    /// By acting on the world outside.
    Run(Arc<Run>),
}

/// A policy or an effect.
#[derive(Clone)]
pub struct Registered {
    /// Its name.
    pub name: &'static str,
    /// Whose events it takes.
    pub aggregate_type: &'static str,
    /// How much of what is due one process does at once.
    pub at_once: u32,
    pub(super) react: React,
    pub(super) handler: Handler,
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Registered {
    /// Registers the policy `P`.
    pub fn policy<P: Policy>() -> Self {
        Self {
            name: P::NAME,
            aggregate_type: P::Of::TYPE,
            at_once: TIMERS_AT_ONCE,
            react: |event| reactions(event, P::react),
            handler: Handler::CarryOut(|command| {
                let command: P::Command = serde_json::from_str(command)?;
                Ok(Box::new(move |streams| {
                    P::carry_out(command.clone(), streams)
                }))
            }),
        }
    }

    /// Registers an effect.
    pub fn effect<E: Effect>(effect: E) -> Self {
        let effect = Arc::new(effect);
        let run = move |act: &str, cause| -> BoxFuture<'static, Result<(), Failure>> {
            let effect = Arc::clone(&effect);
            let act: Result<E::Act, _> = serde_json::from_str(act);
            let running = async move {
                let act = act.map_err(|error| Failure::Fault(format!("an act: {error}")))?;
                effect.run(act, cause).await
            };
            let caught = AssertUnwindSafe(running).catch_unwind();
            let broken = |panic: Box<dyn Any + Send>| {
                Err(Failure::Fault(format!("panicked: {}", said(&*panic))))
            };
            caught.map(move |done| done.unwrap_or_else(broken)).boxed()
        };
        Self {
            name: E::NAME,
            aggregate_type: E::Of::TYPE,
            at_once: E::AT_ONCE,
            react: |event| reactions(event, E::react),
            handler: Handler::Run(Arc::new(run)),
        }
    }

    /// Whether it acts on the world outside.
    pub fn is_effect(&self) -> bool {
        matches!(self.handler, Handler::Run(_))
    }
}

/// What follows from `event`, its commands as JSON.
fn reactions<D: Decider, C: Serialize + DeserializeOwned>(
    event: &RecordedEvent,
    react: fn(&Happened<'_, D>) -> Vec<Reaction<C>>,
) -> Result<Vec<Reaction<String>>, String> {
    let all = caught(|| {
        let events = event.decode::<D>().map_err(|error| error.to_string())?;
        let react = |recorded_as| {
            let (event, recorded) = (recorded_as, event);
            react(&Happened { event, recorded })
        };
        Ok(events.into_iter().flat_map(react).collect::<Vec<_>>())
    })?;
    let as_json = |one: Reaction<C>| one.try_map(|command| serde_json::to_string(&command));
    let all: Result<_, _> = all.into_iter().map(as_json).collect();
    all.map_err(|error| format!("a command is no JSON: {error}"))
}

/// Runs `step`; a panic is an error, and what it leaves half done is thrown away with it.
fn caught<T>(step: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", said(&*panic))))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a word".to_owned())
}
