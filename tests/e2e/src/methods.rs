//! The paths of the methods that the page calls, as in the server's log.

/// The path of `message.proto`'s stream.
pub const STREAM: &str = "/Message/Stream";

/// The path of the greeter's unary method.
pub const GREETING: &str = "/greet.Greeter/SayHello";

/// The path of the greeter's stream.
pub const GREETINGS: &str = "/greet.Greeter/SayHellos";

/// The path of the frontend service's method.
pub const FRONTEND: &str = "/frontend.FrontendService/GetUser";

/// The path of the user service's method.
pub const USER: &str = "/user.UserService/GetUser";
