//! Every example, run to its end. What an example shows it asserts itself.

/// The programs of `examples/`, without their `main`.
macro_rules! examples {
    ($($name:ident from $path:literal),* $(,)?) => {$(
        #[path = $path]
        #[expect(dead_code, reason = "an example is a program, and its main is not called here")]
        mod $name;

        #[tokio::test]
        async fn $name() {
            $name::run().await.expect(stringify!($name));
        }
    )*};
}

examples! {
    fleet from "../examples/fleet.rs",
    interceptor from "../examples/interceptor.rs",
    lambda from "../examples/lambda.rs",
    own_test from "../examples/own_test.rs",
    service from "../examples/service.rs",
    web_login from "../examples/web_login.rs",
    worker from "../examples/worker.rs",
}
