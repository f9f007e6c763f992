//! How a server begins: one a home, one a port.

use std::net::TcpListener;

use crate::support::Place;

#[test]
fn a_taken_port_is_told() {
    let place = Place::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let done = place.run(&["up", "--port", &port]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(done.out, "");
    assert!(done.err.contains(&format!("port {port}")) && done.err.contains("taken"), "{}", done.err);
    assert!(done.err.contains("hint: ropewalk up --port"), "{}", done.err);
    assert!(!place.home().join("server.json").exists());
    // The home is as usable as before.
    place.ok(&["data", "ls"]);
    drop(holder);
    place.up().stop();
}

#[test]
fn a_home_has_one_server() {
    let place = Place::new();
    let server = place.up();
    assert_eq!(server.get("/api/v1/home").json()["process"], server.process());
    let done = place.run(&["up", "--port", "0"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains(&server.address) && done.err.contains("hint: "), "{}", done.err);
    // The first one still answers, and its note is still there.
    assert_eq!(server.get("/health").status, 200);
    place.ok(&["data", "ls"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let note = std::fs::metadata(place.home().join("server.json")).unwrap();
        assert_eq!(note.permissions().mode() & 0o077, 0, "the note holds a token: it is its owner's only");
    }
    server.stop();
    assert!(!place.home().join("server.json").exists());
    // The note of a killed server is no obstacle.
    place.up().kill();
    assert!(place.home().join("server.json").exists());
    place.ok(&["data", "ls"]);
    place.up().stop();
}
