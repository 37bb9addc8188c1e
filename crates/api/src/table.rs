//! The route table: one call states a route's rule, words and body types; router, sign-in layer and OpenAPI come from it.

use std::collections::BTreeMap;

use access::{Action, MachineKind};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use base::limits;
use http::Method;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::context::ApiCtx;
use crate::{answers, door, idempotency};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Anyone; documented as such.
    Public,
    /// A token (or machine certificate) whose scopes hold the action.
    May(Action),
    /// Any valid token, or a person whose sign-in is complete.
    SignedIn,
    /// A person's own session, however far it has come; never a token.
    Session,
    /// A machine with its certificate, on the machine listener only.
    Machine(MachineKind),
}

type SchemaList = Vec<(String, RefOr<Schema>)>;

/// A route as the document tells it.
#[derive(Clone)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with `{name}` parameters.
    pub path: &'static str,
    /// Who may call it.
    pub rule: Rule,
    summary: &'static str,
    tag: &'static str,
    query: Vec<(&'static str, &'static str)>,
    body: Option<Value>,
    answer: Option<(&'static str, Value)>,
    status: u16,
    secret: Option<&'static str>,
    schemas: SchemaList,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.rule_word())
    }
}

impl Route {
    fn new(method: Method, path: &'static str, rule: Rule, tag: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            rule,
            summary,
            tag,
            query: Vec::new(),
            body: None,
            answer: None,
            status: 200,
            secret: None,
            schemas: Vec::new(),
        }
    }

    /// A route that reads.
    #[must_use]
    pub fn get(path: &'static str, rule: Rule, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::GET, path, rule, tag, summary)
    }

    /// A route that makes or does something.
    #[must_use]
    pub fn post(path: &'static str, rule: Rule, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::POST, path, rule, tag, summary)
    }

    /// A route that changes something (with If-Match).
    #[must_use]
    pub fn patch(path: &'static str, rule: Rule, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::PATCH, path, rule, tag, summary)
    }

    /// A route that ends something.
    #[must_use]
    pub fn delete(path: &'static str, rule: Rule, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Method::DELETE, path, rule, tag, summary)
    }

    /// A query parameter and what it means.
    #[must_use]
    pub fn query(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.query.push((name, meaning));
        self
    }

    /// `limit` and `after` of a list.
    #[must_use]
    pub fn paged(self) -> Self {
        self.query("limit", "how many, 1 to 1,000").query("after", "the cursor that the page before gave as `next`")
    }

    /// The JSON body it takes.
    #[must_use]
    pub fn takes<T: ToSchema>(mut self) -> Self {
        self.body = Some(self.reference::<T>());
        self
    }

    /// Another body it takes, by media type.
    #[must_use]
    pub fn takes_raw(mut self, media: &'static str) -> Self {
        self.body = Some(json!({ "raw": media }));
        self
    }

    /// The JSON it answers, of a type of this room.
    #[must_use]
    pub fn answers<T: ToSchema>(mut self) -> Self {
        let schema = self.reference::<T>();
        self.answer = Some(("application/json", schema));
        self
    }

    /// The JSON object it answers, by the name of its shape in [`crate::answers`].
    #[must_use]
    pub fn gives(mut self, shape: &'static str) -> Self {
        self.answer = Some(("application/json", answers::reference(shape)));
        self
    }

    /// The list it answers, part by part, by the name of its items' shape.
    #[must_use]
    pub fn lists(mut self, shape: &'static str) -> Self {
        self.answer = Some(("application/json", answers::page_of(shape)));
        self
    }

    /// Something else it answers, by media type.
    #[must_use]
    pub fn gives_text(mut self, media: &'static str) -> Self {
        self.answer = Some((media, json!({"type": "string"})));
        self
    }

    /// It is done, and there is nothing to say.
    #[must_use]
    pub const fn gives_nothing(self) -> Self {
        self.status(204)
    }

    /// Whether it says what it answers.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answer.is_some() || self.status == 204
    }

    /// The status it answers when all went well.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The field of its answer that is shown once and never kept.
    #[must_use]
    pub const fn secret(mut self, field: &'static str) -> Self {
        self.secret = Some(field);
        self
    }

    /// Whether it takes an `Idempotency-Key`: every command of a caller. Lines of a log and machines have keys and
    /// numbers of their own; who joins with a one-time code has the code.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        let raw = self.body.as_ref().is_some_and(|body| body.get("raw").is_some());
        self.method == Method::POST && !raw && matches!(self.rule, Rule::May(_) | Rule::SignedIn)
    }

    fn reference<T: ToSchema>(&mut self) -> Value {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), <T as PartialSchema>::schema()));
        T::schemas(&mut self.schemas);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn operation(&self) -> Value {
        let mut parameters: Vec<Value> = self
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        parameters.extend(self.query.iter().map(
            |(name, meaning)| json!({"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}}),
        ));
        if self.is_keyed() {
            parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": false,
                "description": "a fresh key of 1 to 255 characters; repeated within 24 hours, the first answer comes again",
                "schema": {"type": "string", "minLength": 1, "maxLength": 257}}));
        }
        let mut operation = Map::new();
        operation.insert("summary".into(), json!(self.summary));
        operation.insert("tags".into(), json!([self.tag]));
        operation.insert("operationId".into(), json!(self.operation_id()));
        operation.insert("parameters".into(), json!(parameters));
        operation.insert("x-lianfang-rule".into(), json!(self.rule_word()));
        if self.rule == Rule::Public {
            operation.insert("security".into(), json!([]));
        }
        if let Some(body) = &self.body {
            let (media, schema) = body.get("raw").and_then(Value::as_str).map_or_else(
                || ("application/json", body.clone()),
                |media| (media, json!({"type": "string", "format": "binary"})),
            );
            operation.insert("requestBody".into(), json!({"required": true, "content": {media: {"schema": schema}}}));
        }
        let mut good = json!({"description": "done"});
        if let (Some((media, answer)), Some(good)) = (&self.answer, good.as_object_mut()) {
            good.insert("content".into(), json!({*media: {"schema": answer}}));
        }
        let problem = json!({"description": "a problem (RFC 9457)", "content": {"application/problem+json":
            {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}});
        operation.insert("responses".into(), json!({ self.status.to_string(): good, "default": problem }));
        Value::Object(operation)
    }

    fn operation_id(&self) -> String {
        let words: Vec<&str> = self
            .path
            .trim_start_matches("/api/v1/")
            .split(['/', '.', '-'])
            .map(|part| part.trim_matches(['{', '}']))
            .filter(|part| !part.is_empty())
            .collect();
        format!("{}_{}", self.method.as_str().to_ascii_lowercase(), words.join("_"))
    }

    /// The rule as a word: `public`, `signed_in`, `read_intel`, `machine:sensor`.
    #[must_use]
    pub fn rule_word(&self) -> String {
        match self.rule {
            Rule::Public => "public".to_owned(),
            Rule::SignedIn => "signed_in".to_owned(),
            Rule::Session => "session".to_owned(),
            Rule::May(action) => action.word().to_owned(),
            Rule::Machine(kind) => format!("machine:{}", kind.word()),
        }
    }
}

/// All routes of one listener.
#[derive(Debug)]
pub struct Table {
    routes: Vec<Route>,
    router: Router<ApiCtx>,
    ctx: ApiCtx,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(ctx: ApiCtx) -> Self {
        Self { routes: Vec::new(), router: Router::new(), ctx }
    }

    /// Adds a route with its handler; the door in front of it enforces the rule. A route says what it answers.
    #[must_use]
    pub fn add<H, T>(mut self, route: Route, handler: H) -> Self
    where
        H: Handler<T, ApiCtx>,
        T: 'static,
    {
        debug_assert!(route.is_answered(), "{route:?} does not say what it answers");
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let large = route.body.as_ref().is_some_and(|body| body.get("raw").is_some());
        let most = if large { limits::INGEST_BODY } else { limits::REQUEST_BODY };
        let limit = DefaultBodyLimit::max(usize::try_from(most.most).unwrap_or(usize::MAX));
        let mut handled: MethodRouter<ApiCtx> = on(filter, handler).layer(limit);
        if route.is_keyed() {
            let state = (self.ctx.clone(), route.secret);
            handled = handled.layer(axum::middleware::from_fn_with_state(state, idempotency::once));
        }
        let guarded = handled.layer(axum::middleware::from_fn_with_state((self.ctx.clone(), route.rule), door::guard));
        self.router = self.router.route(route.path, guarded);
        self.routes.push(route);
        self
    }

    /// The routes, in order of adding.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The OpenAPI 3.1 document of the routes.
    #[must_use]
    pub fn openapi(&self) -> Value {
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
        schemas.insert(
            "ProblemBody".to_owned(),
            serde_json::to_value(crate::problem::ProblemBody::schema()).unwrap_or_default(),
        );
        schemas.extend(answers::SHAPES.iter().map(|shape| (shape.name.to_owned(), shape.schema())));
        for route in &self.routes {
            let method = route.method.as_str().to_ascii_lowercase();
            paths.entry(route.path).or_default().insert(method, route.operation());
            for (name, schema) in &route.schemas {
                schemas.entry(name.clone()).or_insert_with(|| serde_json::to_value(schema).unwrap_or_default());
            }
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Lianfang",
                "version": "1",
                "summary": "Joint cyber-defence centre",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "security": [{"bearer": []}, {"basic": []}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer",
                        "description": "a token, or the secret of a person's session"},
                    "basic": {"type": "http", "scheme": "basic", "description": "any name; the password is a token"},
                },
            },
        })
    }

    /// The router.
    pub fn into_router(self) -> Router {
        self.router.with_state(self.ctx)
    }
}
