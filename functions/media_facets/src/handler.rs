//! `GET /api/cloudinary/media/facets`: the folders, tags, types, formats and states among the assets
//! that match, with their numbers.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::deadline::Deadline;
use media_sync::http::auth::authenticate;
use media_sync::http::{Problem, reply, respond};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::time::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::query::FacetsQuery;

/// The way out of a question that takes too long.
const ADVICE: &str = "Search for words of three characters or more, or add a filter.";

/// Counts in the name of the caller.
#[derive(Debug)]
pub(crate) struct MediaFacets {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
}

/// The arguments of `media_facets`.
#[derive(Debug, Serialize)]
struct Arguments {
    p_query: FacetsQuery,
}

impl MediaFacets {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.count(request).await).await
    }

    async fn count(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        let p_query = FacetsQuery::parse(request.uri().query())?;
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(&caller);
        let counted = database.rpc("media_facets", &Arguments { p_query }).await;
        // It is passed on as it came.
        let counted: Box<RawValue> =
            counted.map_err(|error| Problem::of_question(error, ADVICE))?;
        Ok(reply::json(StatusCode::OK, &counted))
    }
}
