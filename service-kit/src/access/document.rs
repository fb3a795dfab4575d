//! What the OpenAPI document says of every route alike: who may call it, and how it refuses.

use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use super::{Access, Whose};
use crate::problem::Problem;

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";

/// What any route may answer, beside what its handler says of itself.
const ALWAYS: [(&str, &str); 3] = [
    ("429", "You ask too often; Retry-After says when to go on."),
    ("503", "Not now; Retry-After says when to try again."),
    ("default", "Any other problem; its type says which."),
];
/// What a route may answer that is not for everybody.
const GUARDED: [(&str, &str); 2] = [
    ("401", "Nobody is signed in, or the token is no good."),
    ("403", "Not for this caller."),
];

/// Says of `operation` who may call it, and which problems it may answer.
pub(super) fn document(operation: &mut Operation, access: Access, whose: Whose) {
    say_who(operation, access, whose);
    let responses = &mut operation.responses.responses;
    responses.values_mut().for_each(name_media_type);
    let guarded = GUARDED
        .iter()
        .filter(|_| access != Access::Anyone)
        .chain(&ALWAYS);
    for (status, means) in guarded {
        let response = responses.entry((*status).to_owned());
        response.or_insert_with(|| RefOr::T(problem(means)));
    }
}

fn say_who(operation: &mut Operation, access: Access, whose: Whose) {
    let said = match access {
        Access::Anyone => "Anybody may call it.".to_owned(),
        Access::SignedIn => "Anybody who is signed in may call it.".to_owned(),
        Access::Roles(roles) => {
            let names: Vec<&str> = roles.iter().map(<&str>::from).collect();
            format!("For the roles: {}.", names.join(", "))
        }
    };
    let text = operation.description.get_or_insert_default();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(&said);
    if let Whose::Owner(rule) | Whose::Filtered(rule) = whose {
        text.push_str(&format!(" Of these: {rule}."));
    }
    if access != Access::Anyone {
        let by = |scheme: &str| SecurityRequirement::new(scheme, [] as [&str; 0]);
        operation.security = Some(vec![by("bearer"), by("cookie")]);
    }
}

/// A handler says of a body what it is, and utoipa takes that for plain JSON.
fn name_media_type(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    for (media_type, content) in std::mem::take(&mut response.content) {
        let media_type = match media_type == JSON && is_problem(&content) {
            true => PROBLEM_JSON.to_owned(),
            false => media_type,
        };
        response.content.insert(media_type, content);
    }
}

fn is_problem(content: &RefOr<Content>) -> bool {
    let RefOr::T(content) = content else {
        return false;
    };
    match &content.schema {
        Some(RefOr::Ref(schema)) => schema.ref_location == a_problem().ref_location,
        _ => false,
    }
}

fn problem(means: &str) -> Response {
    let content = Content::new(Some(a_problem()));
    ResponseBuilder::new()
        .description(means)
        .content(PROBLEM_JSON, content)
        .build()
}

fn a_problem() -> Ref {
    Ref::from_schema_name(Problem::name())
}
