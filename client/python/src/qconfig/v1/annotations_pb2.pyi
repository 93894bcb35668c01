# SPDX-License-Identifier: Apache-2.0
from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
FIELD_BEHAVIOR_FIELD_NUMBER: _ClassVar[int]
FIELD_BEHAVIOR_IMMUTABLE: FieldBehavior
FIELD_BEHAVIOR_INPUT_ONLY: FieldBehavior
FIELD_BEHAVIOR_OPTIONAL: FieldBehavior
FIELD_BEHAVIOR_OUTPUT_ONLY: FieldBehavior
FIELD_BEHAVIOR_REQUIRED: FieldBehavior
FIELD_BEHAVIOR_UNSPECIFIED: FieldBehavior
QUARK_NAME_FIELD_NUMBER: _ClassVar[int]
REQUIRED_ROLE_FIELD_NUMBER: _ClassVar[int]
ROLE_ADMIN: Role
ROLE_EDITOR: Role
ROLE_OPERATOR: Role
ROLE_READER: Role
ROLE_UNSPECIFIED: Role
field_behavior: _descriptor.FieldDescriptor
quark_name: _descriptor.FieldDescriptor
required_role: _descriptor.FieldDescriptor

class FieldBehavior(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
