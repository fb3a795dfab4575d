//! E-mail: what it says, and the ways it goes out.

mod compose;
mod render;
mod settings;
mod templates;
mod transport;

pub use compose::{Outgoing, Unmailable};
pub use render::{Rendered, render};
pub use settings::{Mail, Wrong};
pub use templates::{Links, Says, say};
pub use transport::{Refusal, Transport};
