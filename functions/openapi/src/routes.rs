//! The API's routes, as its document has them, and the reason why a request has none (pure).

use lambda_http::http::StatusCode;
use media_sync::http::Problem;
use serde_json::{Map, Value};

/// The methods of one path.
#[derive(Debug)]
struct Route {
    path: String,
    methods: Vec<String>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct RouteTable(Vec<Route>);

impl RouteTable {
    /// Reads the paths of an OpenAPI document.
    pub(crate) fn of_document(document: &str) -> Self {
        let document: Value =
            serde_json::from_str(document).expect("the document was JSON when it was built in");
        let paths = document["paths"].as_object().into_iter().flatten();
        let routes = paths.map(|(path, methods)| Route {
            path: path.clone(),
            methods: methods
                .as_object()
                .into_iter()
                .flat_map(Map::keys)
                .map(|method| method.to_uppercase())
                .collect(),
        });
        Self(routes.collect())
    }

    /// The problem of a request that no route takes.
    pub(crate) fn explain(&self, method: &str, path: &str) -> Problem {
        if let Some(route) = self.find(path)
            && !route.methods.iter().any(|known| known == method)
        {
            return Problem::method_not_allowed(route.methods.join(", "));
        }
        let bare = path.trim_end_matches('/');
        let detail = match self.find(bare).filter(|_| bare != path) {
            Some(route) => format!("Leave out the slash at the end: `{}`.", route.path),
            None => "There is no such address. `routes` lists those that there are.".to_owned(),
        };
        let routes = Value::from_iter(self.0.iter().flat_map(|route| {
            let methods = route.methods.iter();
            methods.map(move |method| format!("{method} {}", route.path))
        }));
        let problem = Problem::new(StatusCode::NOT_FOUND, "not_found", detail);
        problem.with(Map::from_iter([("routes".to_owned(), routes)]))
    }

    /// The route of a path: one that is written out goes before one with a parameter.
    fn find(&self, path: &str) -> Option<&Route> {
        let exact = self.0.iter().find(|route| route.path == path);
        exact.or_else(|| self.0.iter().find(|route| route.matches(path)))
    }
}

impl Route {
    fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/');
        let mut known = self.path.split('/');
        loop {
            match (known.next(), given.next()) {
                (None, None) => return true,
                (Some(known), Some(given)) if known == given => {}
                (Some(known), Some(given)) if known.starts_with('{') && !given.is_empty() => {}
                _ => return false,
            }
        }
    }
}
