//! What a bench found: both sides, their ratio, and how that compares with the target.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::machine::Machine;
use super::numbers::median;

/// The figures of one bench, as they are written as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Which bench.
    pub(super) bench: &'static str,
    /// What `ours` and the values of `theirs` count.
    pub(super) unit: &'static str,
    /// The median of our runs.
    pub(super) ours: f64,
    /// The medians of the other sides' runs.
    pub(super) theirs: Vec<Side>,
    /// Ours / theirs, in the order of `theirs`.
    pub(super) ratio: Vec<f64>,
    /// Each run: ours, and theirs in the order of `theirs`.
    pub(super) runs: Vec<Run>,
    /// Half of our calls took so long at most.
    pub(super) p50_ms: Option<f64>,
    /// 99 of 100 of our calls took so long at most.
    pub(super) p99_ms: Option<f64>,
    /// CPU time of one of ours, server and client together.
    pub(super) cpu_us_per_event: Option<f64>,
    /// Every figure with its target, the main one first.
    pub(super) figures: Vec<Figure>,
    /// Where it was measured.
    pub(super) machine: Machine,
}

/// One of the other sides.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    pub(super) name: String,
    pub(super) value: f64,
}

/// The values of one run.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) ours: f64,
    pub(super) theirs: Vec<f64>,
}

/// One comparison.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) ours: f64,
    /// What it is compared with; none for a figure that stands alone.
    pub(super) against: Option<String>,
    pub(super) theirs: Option<f64>,
    /// Ours / theirs.
    pub(super) ratio: Option<f64>,
    /// What is to be reached.
    pub(super) target: Option<Target>,
    /// Whether it is.
    pub(super) met: Option<bool>,
}

/// What is to be reached: of the ratio, or of a figure that stands alone.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
}

impl Target {
    fn met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
        }
    }
}

impl Figure {
    /// Medians of our runs and of theirs.
    pub(super) fn compared(
        name: impl Into<String>,
        unit: &'static str,
        ours: &[f64],
        against: &str,
        theirs: &[f64],
    ) -> Self {
        let (ours, theirs) = (median(ours), median(theirs));
        let ratio = (theirs > 0.0).then(|| ours / theirs);
        Self {
            name: name.into(),
            unit,
            ours,
            against: Some(against.to_owned()),
            theirs: Some(theirs),
            ratio,
            target: None,
            met: None,
        }
    }

    /// The median of our runs alone.
    pub(super) fn alone(name: impl Into<String>, unit: &'static str, ours: &[f64]) -> Self {
        Self {
            name: name.into(),
            unit,
            ours: median(ours),
            against: None,
            theirs: None,
            ratio: None,
            target: None,
            met: None,
        }
    }

    /// Sets what is to be reached.
    pub(super) fn target(mut self, target: Target) -> Self {
        let value = match self.against {
            Some(_) => self.ratio,
            None => Some(self.ours),
        };
        self.met = value.map(|value| target.met(value));
        self.target = Some(target);
        self
    }
}

impl Report {
    /// A report on our runs.
    pub(super) fn new(
        bench: &'static str,
        unit: &'static str,
        ours: &[f64],
        machine: &Machine,
    ) -> Self {
        let runs = ours.iter().map(|ours| Run {
            ours: *ours,
            theirs: Vec::new(),
        });
        Self {
            bench,
            unit,
            ours: median(ours),
            theirs: Vec::new(),
            ratio: Vec::new(),
            runs: runs.collect(),
            p50_ms: None,
            p99_ms: None,
            cpu_us_per_event: None,
            figures: Vec::new(),
            machine: machine.clone(),
        }
    }

    /// Adds another side, and the comparison with it as a figure called `figure`.
    pub(super) fn against(
        mut self,
        figure: &str,
        name: &str,
        values: &[f64],
        target: Option<Target>,
    ) -> Self {
        let ours: Vec<f64> = self.runs.iter().map(|run| run.ours).collect();
        let compared = Figure::compared(figure, self.unit, &ours, name, values);
        self.theirs.push(Side {
            name: name.to_owned(),
            value: median(values),
        });
        self.ratio.push(compared.ratio.unwrap_or(0.0));
        for (run, value) in self.runs.iter_mut().zip(values) {
            run.theirs.push(*value);
        }
        self.figures.push(match target {
            Some(target) => compared.target(target),
            None => compared,
        });
        self
    }

    /// Adds a figure.
    pub(super) fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// Adds how long our calls took, in medians of our runs.
    pub(super) fn latencies(mut self, p50_ms: &[f64], p99_ms: &[f64]) -> Self {
        self.p50_ms = Some(median(p50_ms));
        self.p99_ms = Some(median(p99_ms));
        self
    }

    /// Adds the CPU time of one of ours.
    pub(super) fn cpu(mut self, micros: &[f64]) -> Self {
        self.cpu_us_per_event = Some(median(micros));
        self
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        std::fs::write(file, json).with_context(|| format!("writing {}", file.display()))
    }
}
