//! What an auditor asks of the log: what happened and who did it, what something was at a time, and
//! proof that nothing was altered. It reads the log and writes nothing to it, but for an import
//! into an empty one. The command line and the query API both ask here.

pub mod causes;
pub mod export;
pub mod import;
pub mod manifest;
pub mod reconcile;
mod schemas;
pub mod streams;
pub mod verify;
