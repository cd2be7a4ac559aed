//! The HTTP service: translates between the contract and the sandbox.
//!
//! A request passes `server` (its connection), `middleware::common` (request id, checks of the head),
//! `middleware::authorize`, `execute`, `body` and `request` (reading and parsing it), `admission` (the
//! queue), the sandbox, and `response`.
//!
//! | file | holds |
//! |---|---|
//! | `app` | the state that all requests share |
//! | `server` | connections: accepting, bounding and draining them |
//! | `workers` | the threads that serve connections |
//! | `idle` | idle connections, and closing the one that has been idle longest |
//! | `write_timeout` | the timeout for clients that do not read their response |
//! | `router` | the routes of both listeners |
//! | `middleware` | request ids, common headers, panics; authentication and authorization |
//! | `head` | checks of the request head that hold for every route |
//! | `cors` | cross-origin resource sharing |
//! | `access` | authentication, authorization, rate limits and concurrency limits of callers |
//! | `execute` | `POST /execute`, from request to response |
//! | `body` | reading a request body within its limits |
//! | `local` | requests without a server, for the command line |
//! | `request` | the fields of a request body, parsing it, and the job that it becomes |
//! | `admission` | how many requests may run and how many may wait |
//! | `run` | runs, on the thread of the connection and on the guests' threads |
//! | `live` | response bodies of events, written while the script runs |
//! | `response` | the two JSON bodies of the contract |
//! | `included` | fields of the response that a request includes: usage and files |
//! | `permit_body` | response bodies that hold the permit of their run |
//! | `error` | errors of requests that did not run |
//! | `kind` | the kinds of errors, and their status codes |
//! | `health` | `GET /healthz`, `GET /readyz` and `GET /metrics`, for operators |
//! | `accept` | content negotiation: the media type that a request prefers |
//! | `documents` | the playground, the documentation and the OpenAPI document |

mod accept;
mod access;
mod admission;
mod app;
mod body;
mod cors;
mod documents;
mod error;
mod execute;
mod head;
mod health;
mod idle;
mod included;
mod kind;
mod live;
mod local;
mod middleware;
mod permit_body;
mod request;
mod response;
mod router;
mod run;
mod server;
mod workers;
mod write_timeout;

pub use app::App;
pub use included::Include;
pub use local::parse_request;
pub use response::JsonResponse;
pub use server::{Listeners, Server};
