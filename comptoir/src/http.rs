//! The HTTP side of a service: APIs, their one OpenAPI document and page, health, metrics.

use axum::Router;
use axum::routing::get;
use service_kit::cookies;
use service_kit::health::Health;
use service_kit::measure::Metrics;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

/// All that a service answers by HTTP.
pub fn app(apis: Vec<OpenApiRouter>, health: Health, metrics: Option<Metrics>) -> Router {
    let merged = apis
        .into_iter()
        .fold(OpenApiRouter::default(), OpenApiRouter::merge);
    let (routes, document) = merged.split_for_parts();
    let document = describe(document);
    let page = SwaggerUi::new("/docs").url("/openapi.json", document);
    let home = get(|| async { axum::response::Redirect::temporary("/docs/") });
    let routes = routes.merge(page).merge(health.routes(metrics));
    routes.route("/", home)
}

/// Says what the document is of, and how one signs in.
pub fn describe(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Comptoir")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Commands change, queries show. A command answers with a Consistency-Token; a query \
             that brings it sees that command. Any command takes If-Match and Idempotency-Key.",
        ))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let cookie = ApiKeyValue::with_description(
        cookies::ACCESS,
        "Given by signing in with `cookies`; what changes something also brings X-CSRF-Token.",
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}
