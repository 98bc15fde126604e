//! The `type` property of the classes that have exactly one value for it. Presentation API 3.0 §3.2.

/// Declares a type with one value, written as its class name and read only from that name.
macro_rules! class {
    ($($name:ident)*) => {$(
        #[doc = concat!("The `type` value `", stringify!($name), "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(super) struct $name;

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(stringify!($name))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let given = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                if given == stringify!($name) {
                    Ok(Self)
                } else {
                    Err(serde::de::Error::custom(format_args!(
                        concat!("`type` is `{}` where `", stringify!($name), "` is required"),
                        given
                    )))
                }
            }
        }
    )*};
}

class! { Annotation AnnotationPage Canvas Collection Manifest Range }
