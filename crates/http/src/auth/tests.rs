//! Users, roles and permissions on both databases.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::Code;
use ropewalk_mlflow::access::{Permission, ResourceType};

use super::roles::{Standing, WORKSPACE};
use super::*;

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

async fn caller(auth: &Auth, header: &str) -> Option<Caller> {
    auth.recognise(header).await.unwrap()
}

#[tokio::test]
async fn callers_are_recognised_by_token_and_password() {
    ropewalk_core::testing::each_database(MIGRATIONS, |core| async move {
        let auth = Auth::new(core);
        assert!(!auth.required().await.unwrap());
        assert!(auth.create_token("ci", Role::Viewer).await.is_err(), "the first must be an admin");
        let (root, token) = auth.create_token("root", Role::Admin).await.unwrap();
        let ann = auth.create_password("ann", Role::Scientist, "correct horse").await.unwrap();
        assert!(auth.required().await.unwrap());
        assert!(ann.id > root.id);

        assert_eq!(caller(&auth, &format!("Bearer {token}")).await.unwrap().role, Role::Admin);
        assert_eq!(caller(&auth, &basic("ann:correct horse")).await.unwrap().name, "ann");
        assert_eq!(caller(&auth, &basic("ann:wrong")).await, None);
        assert_eq!(caller(&auth, "Bearer nonsense").await, None);
        assert_eq!(caller(&auth, "").await, None);

        auth.set_role("ann", Role::Viewer).await.unwrap();
        assert_eq!(caller(&auth, &basic("ann:correct horse")).await.unwrap().role, Role::Viewer);
        auth.set_password("ann", "battery staple").await.unwrap();
        assert_eq!(caller(&auth, &basic("ann:correct horse")).await, None);
        assert!(caller(&auth, &basic("ann:battery staple")).await.is_some());
        assert_eq!(auth.set_password("root", "battery staple").await.unwrap_err().code(), Code::WrongState);

        auth.remove("ann").await.unwrap();
        assert_eq!(caller(&auth, &basic("ann:battery staple")).await, None);
        assert!(auth.create_token("root", Role::Admin).await.is_err());
        let again = auth.create_password("ann", Role::Scientist, "correct horse").await.unwrap();
        assert!(again.id > ann.id, "a number never comes twice");
        for name in ["", " ann", "a:b", "a\nb", &"x".repeat(256)] {
            assert!(auth.create_token(name, Role::Viewer).await.is_err(), "{name:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_granted_overrides_the_role() {
    ropewalk_core::testing::each_database(MIGRATIONS, |core| async move {
        let auth = Auth::new(core);
        auth.create_token("root", Role::Admin).await.unwrap();
        auth.create_password("ann", Role::Scientist, "correct horse").await.unwrap();
        let ann = caller(&auth, &basic("ann:correct horse")).await.unwrap();
        let on = |name: &str| auth.rights(&ann).on(ResourceType::Experiment, name);
        assert_eq!(on("1"), Permission::Edit);
        let grant = |pattern: &'static str, permission, standing| {
            let auth = auth.clone();
            async move { auth.grant("ann", ResourceType::Experiment, pattern, permission, standing).await }
        };
        grant("1", Permission::Read, Standing::Refuse).await.unwrap();
        assert_eq!(on("1"), Permission::Read);
        let twice = grant("1", Permission::Manage, Standing::Refuse).await.unwrap_err();
        assert_eq!(twice.code(), Code::AlreadyExists);
        grant("1", Permission::Manage, Standing::Replace).await.unwrap();
        assert_eq!((on("1"), on("2")), (Permission::Manage, Permission::Edit));
        auth.revoke("ann", ResourceType::Experiment, "1").await.unwrap();
        assert_eq!(on("1"), Permission::Edit);
        let none = auth.revoke("ann", ResourceType::Experiment, "1").await.unwrap_err();
        assert_eq!(none.code(), Code::NotFound);
        assert_eq!(
            auth.grant("bob", ResourceType::Experiment, "1", Permission::Read, Standing::Refuse)
                .await
                .unwrap_err()
                .code(),
            Code::NotFound
        );
        // An administrator is denied nothing.
        auth.grant("root", ResourceType::Experiment, "*", Permission::Deny, Standing::Refuse).await.unwrap();
        let root = auth.get("root").await.unwrap();
        let root = Caller { id: Some(root.id), name: root.name, role: root.role };
        assert_eq!(auth.rights(&root).on(ResourceType::Experiment, "1"), Permission::Manage);
    })
    .await;
}

#[tokio::test]
async fn roles_bring_what_they_hold_to_whoever_has_them() {
    ropewalk_core::testing::each_database(MIGRATIONS, |core| async move {
        let auth = Auth::new(core);
        auth.create_token("root", Role::Admin).await.unwrap();
        let (ann, _) = auth.create_token("ann", Role::Viewer).await.unwrap();
        let caller = Caller { id: Some(ann.id), name: ann.name, role: ann.role };
        let on = |name: &str| auth.rights(&caller).on(ResourceType::RegisteredModel, name);
        let role = auth.create_role(WORKSPACE, "editors", Some("of models")).await.unwrap().role;
        let twice = auth.create_role(WORKSPACE, "editors", None).await.unwrap_err();
        assert_eq!(twice.code(), Code::AlreadyExists);
        assert!(auth.create_role(WORKSPACE, "__user_1__", None).await.is_err());
        let permit =
            auth.add_permit(role.id, ResourceType::RegisteredModel, "*", Permission::Edit).await.unwrap();
        assert_eq!(on("m"), Permission::Read);
        auth.assign_role(ann.id, role.id).await.unwrap();
        assert_eq!(on("m"), Permission::Edit);
        assert!(auth.assign_role(ann.id, role.id).await.is_err());
        auth.update_permit(permit.id, Permission::Deny).await.unwrap();
        auth.grant("ann", ResourceType::RegisteredModel, "m", Permission::Manage, Standing::Refuse)
            .await
            .unwrap();
        assert_eq!(on("m"), Permission::Deny, "a denial wins");
        assert_eq!(auth.roles_of(ann.id).await.unwrap().len(), 2);
        assert_eq!(auth.users_of(role.id).await.unwrap()[0].user_id, ann.id);
        auth.update_role(role.id, Some("others"), None).await.unwrap();
        let renamed = auth.get_role(role.id).await.unwrap();
        assert_eq!((renamed.role.name.as_str(), renamed.permits.len()), ("others", 1));
        auth.unassign_role(ann.id, role.id).await.unwrap();
        assert_eq!(on("m"), Permission::Manage);
        auth.delete_role(role.id).await.unwrap();
        assert_eq!(auth.get_role(role.id).await.unwrap_err().code(), Code::NotFound);
        // A role of another workspace brings nothing here.
        let elsewhere = auth.create_role("other", "editors", None).await.unwrap().role;
        auth.add_permit(elsewhere.id, ResourceType::RegisteredModel, "*", Permission::Deny).await.unwrap();
        auth.assign_role(ann.id, elsewhere.id).await.unwrap();
        assert_eq!(on("n"), Permission::Read);
    })
    .await;
}

#[tokio::test]
async fn grants_follow_a_model_and_go_with_it() {
    ropewalk_core::testing::each_database(MIGRATIONS, |core| async move {
        let auth = Auth::new(core);
        let (root, _) = auth.create_token("root", Role::Admin).await.unwrap();
        let (ann, _) = auth.create_token("ann", Role::Viewer).await.unwrap();
        let caller = Caller { id: Some(ann.id), name: ann.name, role: ann.role };
        let model = ResourceType::RegisteredModel;
        let role = auth.create_role(WORKSPACE, "readers", None).await.unwrap().role;
        auth.add_permit(role.id, model, "m", Permission::Read).await.unwrap();
        auth.grant("ann", model, "m", Permission::Edit, Standing::Refuse).await.unwrap();
        auth.rename_model("m", "n").await.unwrap();
        let on = |name: &str| auth.rights(&caller).on(model, name);
        assert_eq!((on("m"), on("n")), (Permission::Read, Permission::Edit));
        assert_eq!(auth.permits_on_model("m").await.unwrap().len(), 1, "a role's stays where it is");
        auth.forget_model("n").await.unwrap();
        assert_eq!(on("n"), Permission::Read);
        // What was granted to somebody goes with them.
        auth.grant("ann", model, "o", Permission::Edit, Standing::Refuse).await.unwrap();
        auth.remove("ann").await.unwrap();
        assert_eq!(auth.permits_on_model("o").await.unwrap(), []);
        assert!(root.id < ann.id);
    })
    .await;
}

#[tokio::test]
async fn another_server_of_the_same_database_sees_what_changed() {
    ropewalk_core::testing::each_database(MIGRATIONS, |core| async move {
        let (one, other) = (Auth::new(core.clone()), Auth::new(core));
        one.create_token("root", Role::Admin).await.unwrap();
        let (ann, _) = one.create_token("ann", Role::Viewer).await.unwrap();
        assert_eq!(other.list().await.unwrap().len(), 2);
        let caller = Caller { id: Some(ann.id), name: ann.name, role: ann.role };
        let kind = ResourceType::Experiment;
        assert_eq!(other.rights(&caller).on(kind, "1"), Permission::Read);
        one.grant("ann", kind, "1", Permission::Edit, Standing::Refuse).await.unwrap();
        other.list().await.unwrap();
        assert_eq!(other.rights(&caller).on(kind, "1"), Permission::Edit);
    })
    .await;
}

#[tokio::test]
async fn credentials_of_before_get_numbers() {
    ropewalk_core::testing::each_database(&MIGRATIONS[..1], |core| async move {
        core.database
            .write(|tx| {
                Box::pin(async move {
                    for (name, made) in [("b", 1_i64), ("a", 2), ("c", 2)] {
                        sqlx::query("INSERT INTO auth_credential VALUES ($1, 'token', 'admin', 'x', $2)")
                            .bind(name)
                            .bind(made)
                            .execute(&mut *tx)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
            .unwrap();
        core.database.migrate(MIGRATIONS).await.unwrap();
        let auth = Auth::new(core);
        let numbers: Vec<_> = auth.list().await.unwrap().into_iter().map(|one| (one.name, one.id)).collect();
        assert_eq!(numbers, [("a".to_owned(), 2), ("b".to_owned(), 1), ("c".to_owned(), 3)]);
        assert_eq!(auth.create_token("d", Role::Viewer).await.unwrap().0.id, 4);
    })
    .await;
}
