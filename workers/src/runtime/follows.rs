//! Which policies and effects there are, for those who look on and run none.

use domain::decider::Decider;

use super::effect::Effect;
use super::policy::Policy;

/// What a policy or an effect follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follows {
    /// Its name.
    pub name: &'static str,
    /// Whose events it takes.
    pub aggregate_type: &'static str,
}

impl Follows {
    /// What the policy `P` follows.
    pub fn policy<P: Policy>() -> Self {
        Self {
            name: P::NAME,
            aggregate_type: P::Of::TYPE,
        }
    }

    /// What the effect `E` follows.
    pub fn effect<E: Effect>() -> Self {
        Self {
            name: E::NAME,
            aggregate_type: E::Of::TYPE,
        }
    }
}
