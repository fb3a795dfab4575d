//! What became of the steps so far, and which step is due.

use anyhow::{Context, ensure};
use uuid::Uuid;

use super::outcome::Outcome;
use super::plan::{Plan, Step, Verb};

/// What became of the steps so far.
pub(super) struct Ledger<'a> {
    plan: &'a Plan,
    outcomes: Vec<Outcome>,
    /// By row: the reservation that its booking was answered; at 0 the hotel.
    ids: Vec<Option<Uuid>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            outcomes: Vec::with_capacity(plan.steps.len()),
            ids: vec![None; plan.rows.len() + 1],
        }
    }

    /// The next step to send, by its index; the steps of refused bookings are passed over.
    pub(super) fn due(&mut self) -> Option<(usize, &'a Step)> {
        loop {
            let index = self.outcomes.len();
            let step = self.plan.steps.get(index)?;
            if makes_an_id(step.verb) || self.id(step).is_some() {
                return Some((index, step));
            }
            self.outcomes.push(Outcome::NotSent);
        }
    }

    /// Notes the answer to the step at `index`, which is the one that is due.
    pub(super) fn note(
        &mut self,
        index: usize,
        outcome: Outcome,
        id: Option<Uuid>,
    ) -> anyhow::Result<()> {
        let (due, step) = self.due().context("every step is answered already")?;
        ensure!(index == due, "step {due} is due, not step {index}");
        if makes_an_id(step.verb) && outcome == Outcome::Accepted {
            let id = id.with_context(|| format!("the answer to step {index} has no id"))?;
            self.ids[step.row] = Some(id);
        }
        self.outcomes.push(outcome);
        Ok(())
    }

    pub(super) fn hotel(&self) -> Option<Uuid> {
        self.ids[0]
    }

    /// The reservation of a step (or the hotel), once it is booked.
    pub(super) fn id(&self, step: &Step) -> Option<Uuid> {
        self.ids[step.row]
    }

    /// How many steps are answered or passed over.
    pub(super) fn done(&self) -> usize {
        self.outcomes.len()
    }

    pub(super) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }
}

fn makes_an_id(verb: Verb) -> bool {
    matches!(verb, Verb::Open | Verb::Book)
}
