//! Stops the shared PostgreSQL cluster of the tests: the last step of `make test`.

fn main() -> anyhow::Result<()> {
    testkit::stop_postgres()
}
