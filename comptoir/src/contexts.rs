//! Every context that the binary is made of: what it commands, follows, projects and answers.

use projections::runtime::Registered;

/// The contexts of a system.
#[derive(Clone)]
pub struct Contexts {
    /// Their names, which are their topics.
    pub names: Vec<&'static str>,
    /// Their commands.
    pub commands: Vec<command_api::ContextRoutes>,
    /// What follows from their events: policies and effects.
    pub workers: Vec<workers::ContextWorkers>,
    /// Their read tables.
    pub projections: Vec<Registered>,
    /// Their queries.
    pub queries: Vec<read_api::ContextRoutes>,
}

impl Contexts {
    /// All that Comptoir has.
    pub fn all() -> Self {
        Self {
            names: domain::CONTEXTS.to_vec(),
            commands: command_api::CONTEXTS.to_vec(),
            workers: workers::CONTEXTS.to_vec(),
            projections: projections::all(),
            queries: read_api::CONTEXTS.to_vec(),
        }
    }
}
