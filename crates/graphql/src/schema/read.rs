//! Reads the text of the schema. It is part of the program: what cannot be read there is left out, and the tests miss it.

use super::{FieldDefinition, InputDefinition, Kind, Schema, TypeDefinition};
use crate::lexer::{Token, tokens};
use crate::parser::Parser;

pub(super) fn read(text: &str) -> Schema {
    let mut parser = Parser { tokens: tokens(text).unwrap_or_default(), at: 0, depth: 0 };
    let mut schema = Schema::default();
    while let Ok(definition) = definition(&mut parser) {
        schema.by_name.insert(definition.name.clone(), schema.types.len());
        schema.types.push(definition);
    }
    schema
}

fn definition(parser: &mut Parser) -> Result<TypeDefinition, String> {
    let word = parser.name()?;
    let name = parser.name()?;
    let kind = match word.as_str() {
        "scalar" => Kind::Scalar,
        "type" => Kind::Object(members(parser, field)?),
        "input" => Kind::Input(members(parser, input)?),
        "enum" => Kind::Enum(members(parser, Parser::name)?),
        other => return Err(other.to_owned()),
    };
    Ok(TypeDefinition { name, kind })
}

fn members<T>(parser: &mut Parser, one: fn(&mut Parser) -> Result<T, String>) -> Result<Vec<T>, String> {
    parser.expect('{')?;
    let mut all = Vec::new();
    while !parser.takes('}') {
        all.push(one(parser)?);
    }
    Ok(all)
}

fn field(parser: &mut Parser) -> Result<FieldDefinition, String> {
    let name = parser.name()?;
    let mut arguments = Vec::new();
    if *parser.peek() == Token::Sign('(') {
        parser.expect('(')?;
        while !parser.takes(')') {
            arguments.push(input(parser)?);
        }
    }
    parser.expect(':')?;
    Ok(FieldDefinition { name, arguments, of: parser.type_reference()? })
}

fn input(parser: &mut Parser) -> Result<InputDefinition, String> {
    let name = parser.name()?;
    parser.expect(':')?;
    let of = parser.type_reference()?;
    let default = if parser.takes('=') { Some(parser.value(true)?) } else { None };
    Ok(InputDefinition { name, of, default })
}
