//! Who may call a route: said where the route is registered, checked before its handler runs.

mod document;

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use domain::actor::{Actor, Role};
use futures::future::Either;
use tower::{Layer, Service};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use uuid::Uuid;

use crate::cookies;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::server::TakenBy;
use crate::token::{Bearer, Tokens};

/// Who may call a route. Ownership beyond roles is the domain's to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, signed in or not.
    Anyone,
    /// Everybody who is signed in.
    SignedIn,
    /// Those who hold one of the roles.
    Roles(&'static [Role]),
}

/// Whose a route's things are, beyond the roles that may call it. The domain judges it, or the query
/// that looks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The platform's, or everybody's.
    Platform,
    /// The caller's own, which no path needs to name.
    Caller,
    /// Somebody's, who is told by this rule. For others they are `403`, or not there.
    Owner(&'static str),
    /// A list of somebody's, who sees by this rule what is theirs.
    Filtered(&'static str),
}

/// A route and who may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// GET, POST, …
    pub method: Method,
    /// The path as OpenAPI writes it: `/api/hotels/{id}`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// Whose the things are that it is about.
    pub whose: Whose,
}

/// The routes of a service: each with its handler, its documentation and who may call it.
pub struct Routes<S> {
    router: OpenApiRouter<S>,
    table: Vec<Route>,
    tokens: Tokens,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet; tokens are verified by `tokens`.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            router: OpenApiRouter::default(),
            table: Vec::new(),
            tokens,
        }
    }

    /// Adds the routes of `handlers` (made by `utoipa_axum::routes!`) for those in `access`.
    pub fn allow(mut self, access: Access, whose: Whose, handlers: UtoipaMethodRouter<S>) -> Self {
        let (mut schemas, mut paths, methods) = handlers;
        schemas.push((Problem::name().into_owned(), Problem::schema()));
        Problem::schemas(&mut schemas);
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                document::document(operation, access, whose);
                self.table.push(Route {
                    method,
                    path: path.clone(),
                    access,
                    whose,
                });
            }
        }
        let path = paths.paths.keys().next();
        let guard = Guard {
            path: path.map_or("", String::as_str).into(),
            access,
            tokens: self.tokens.clone(),
        };
        let guarded = (schemas, paths, methods).layer(guard);
        self.router = self.router.routes(guarded);
        self
    }

    /// The router with its OpenAPI document, and the table of who may call what.
    pub fn finish(self) -> (OpenApiRouter<S>, Vec<Route>) {
        (self.router, self.table)
    }
}

fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::PATCH, &mut item.patch),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
        .collect()
}

/// Lets a request through to a route, or answers why not. A service of its own and no middleware
/// function, whose boxes and clones cost a request more than the check does.
#[derive(Clone)]
struct Guard {
    path: Arc<str>,
    access: Access,
    tokens: Tokens,
}

/// A route behind its guard.
#[derive(Clone)]
struct Guarded<S> {
    guard: Guard,
    route: S,
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, route: S) -> Guarded<S> {
        let guard = self.clone();
        Guarded { guard, route }
    }
}

impl<S: Service<Request, Response = Response>> Service<Request> for Guarded<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let Guard {
            path,
            access,
            tokens,
        } = &self.guard;
        if let Some(TakenBy(taken_by)) = request.extensions().get() {
            // Nobody takes a request twice.
            let _first = taken_by.set(Arc::clone(path));
        }
        let caller = caller(request.method(), request.headers(), tokens, *access);
        let caller = caller.and_then(|bearer| counted(&request, bearer));
        match caller {
            Ok(bearer) => {
                request.extensions_mut().insert(Signed(bearer));
                Either::Left(self.route.call(request))
            }
            Err(problem) => Either::Right(ready(Ok(problem.into_response()))),
        }
    }
}

/// Who calls, or why they may not.
fn caller(
    method: &Method,
    headers: &HeaderMap,
    tokens: &Tokens,
    access: Access,
) -> Result<Option<Bearer>, Problem> {
    let found = match headers.get(header::AUTHORIZATION) {
        Some(value) => by_header(value, tokens).map(Some),
        None => match (by_cookie(method, headers, tokens), access) {
            // Who has to sign in again brings the cookies of before.
            (Err(_), Access::Anyone) => Ok(None),
            (found, _) => found,
        },
    };
    match (found?, access) {
        (None, Access::SignedIn | Access::Roles(_)) => Err(Problem::unauthorized("sign in first")),
        (Some(bearer), Access::Roles(roles))
            if !roles.iter().any(|role| bearer.actor.is(*role)) =>
        {
            Err(Problem::forbidden("your roles do not allow this"))
        }
        (found, _) => Ok(found),
    }
}

/// Counts the request among those of the caller's account.
fn counted(request: &Request, bearer: Option<Bearer>) -> Result<Option<Bearer>, Problem> {
    let limits = request.extensions().get::<Limits>();
    if let (Some(limits), Some(bearer)) = (limits, &bearer) {
        limits.of_account(bearer.actor.account)?;
    }
    Ok(bearer)
}

fn by_header(value: &HeaderValue, tokens: &Tokens) -> Result<Bearer, Problem> {
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .ok_or_else(|| Problem::unauthorized("Authorization is `Bearer <token>`"))?
        .1;
    verified(token.trim(), tokens)
}

/// Cookies come along with requests that pages of other origins make, so a request that changes
/// something also brings what only our own pages know.
fn by_cookie(
    method: &Method,
    headers: &HeaderMap,
    tokens: &Tokens,
) -> Result<Option<Bearer>, Problem> {
    let Some(token) = cookies::read(headers, cookies::ACCESS) else {
        return Ok(None);
    };
    let bearer = verified(token, tokens)?;
    if !method.is_safe() {
        cookies::check_csrf(headers, tokens, bearer.session)?;
    }
    Ok(Some(bearer))
}

fn verified(token: &str, tokens: &Tokens) -> Result<Bearer, Problem> {
    let verified = tokens.verify(token);
    verified.map_err(|bad| Problem::unauthorized(bad.to_string()))
}

/// What the [`Guard`] found out; in the request's extensions.
#[derive(Clone)]
struct Signed(Option<Bearer>);

/// The signed-in caller of a route that lets nobody else in.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Signed>() {
            Some(Signed(Some(bearer))) => Ok(Self(bearer.actor.clone())),
            _ => Err(Problem::unauthorized("sign in first")),
        }
    }
}

/// The caller of a route that lets anybody in.
#[derive(Debug, Clone)]
pub struct MaybeCaller(pub Option<Actor>);

impl<S: Sync> FromRequestParts<S> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let signed = parts.extensions.get::<Signed>();
        let bearer = signed.and_then(|signed| signed.0.as_ref());
        Ok(Self(bearer.map(|bearer| bearer.actor.clone())))
    }
}

/// The session of whoever is signed in; none where no session gave the token.
#[derive(Debug, Clone, Copy)]
pub struct CallerSession(pub Option<Uuid>);

impl<S: Sync> FromRequestParts<S> for CallerSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let signed = parts.extensions.get::<Signed>();
        let bearer = signed.and_then(|signed| signed.0.as_ref());
        Ok(Self(bearer.and_then(|bearer| bearer.session)))
    }
}
