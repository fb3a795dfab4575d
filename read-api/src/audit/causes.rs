//! The request behind an event, and everything that followed.

use audit::causes::{self, Bounds, svg};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use service_kit::extract::Path;
use service_kit::problem::Problem;

use super::error::problem;
use crate::App;
use crate::answer::{Known, view};

const SVG: &str = "image/svg+xml";

/// The request behind an event (its position or id), and all that followed; also as a picture.
#[utoipa::path(get, path = "/api/audit/events/{event}/causes", tag = "audit",
    params(("event" = String, Path,)),
    responses((status = 200, content((Object = "application/json"), (String = "image/svg+xml"))),
        (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub async fn show_causes(
    State(app): State<App>,
    known: Known,
    headers: HeaderMap,
    Path(event): Path<String>,
) -> Result<Response, Problem> {
    let malformed = |error: causes::Malformed| Problem::malformed(error.to_string());
    let event = event.parse().map_err(malformed)?;
    let found = causes::of(&app.log, event, Bounds::default()).await;
    let Some(tree) = found.map_err(problem)? else {
        let detail = format!("there is no event {event}, as far as the time in an id tells");
        return Err(Problem::unknown("event-unknown", detail));
    };
    let mut response = match wants_picture(&headers) {
        true => ([(header::CONTENT_TYPE, SVG)], svg::draw(&tree)).into_response(),
        false => view(&known, &tree)?,
    };
    let answer = response.headers_mut();
    answer.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    let vary = HeaderValue::from_static("accept, authorization, cookie");
    answer.insert(header::VARY, vary);
    Ok(response)
}

fn wants_picture(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    let media_type = |range: &str| range.split(';').next().unwrap_or(range).trim().to_owned();
    accepted
        .flat_map(|value| value.split(','))
        .any(|range| media_type(range).eq_ignore_ascii_case(SVG))
}
