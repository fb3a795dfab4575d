//! What an auditor asks over HTTP: the same as `comptoir audit`, for admins.

use service_kit::access::Routes;

use crate::App;

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
}
