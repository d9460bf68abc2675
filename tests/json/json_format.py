"""Compares the translation with Python's `google.protobuf.json_format`, in both directions.

    python json_format.py DESCRIPTORS TESTEE

Makes random messages of every message type in DESCRIPTORS that a message can be made of. For each, TESTEE, which speaks the protocol of
protobuf's conformance suite, writes JSON that Python reads, and reads JSON that Python writes: both have to be the same message.
"""

import os
import random
import struct
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as F

MESSAGES = 1000
TYPES = 40
SEED = int(os.environ.get("SEED", "1"))

PROTOBUF, JSON, JSON_TEST = 1, 2, 2
INTEGERS = {
    F.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    F.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    F.CPPTYPE_UINT32: (0, 2**32 - 1),
    F.CPPTYPE_UINT64: (0, 2**64 - 1),
}
TEXTS = ["", "a", "\"\\/\b\f\n\r\t\0\x1f\x7f", "é€\U0001d11e\u2028</script>", "fooBar", "x" * 200]
# The first has no JSON that both accept. The others require themselves, so that no message of theirs has all of its fields.
WITHOUT = ("MessageSetCorrect", "TestAllRequiredTypesProto2")


class Maker:
    """Makes random messages."""

    def __init__(self, pool, rng, names):
        self.pool, self.rng, self.names = pool, rng, names

    def message(self, message, depth):
        name = message.DESCRIPTOR.full_name
        special = getattr(self, name.replace(".", "_"), None)
        if special:
            return special(message, depth)
        oneofs = set()
        fields = list(message.DESCRIPTOR.fields)
        if message.DESCRIPTOR.is_extendable and self.rng.random() < 0.5:
            fields += self.pool.FindAllExtensions(message.DESCRIPTOR)
        self.rng.shuffle(fields)
        for field in fields:
            if field.containing_oneof in oneofs or not (field.is_required or self.rng.random() < 6 / len(fields) + 0.05):
                continue
            if field.message_type and depth <= 0 and not field.is_required:
                continue
            if field.message_type and field.message_type.name in WITHOUT:
                continue
            if field.containing_oneof:
                oneofs.add(field.containing_oneof)
            self.field(message, field, depth)
        return message

    def field(self, message, field, depth):
        count = self.rng.choice([1, 1, 2, 5])
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            target = getattr(message, field.name)
            for _ in range(count):
                if value.message_type:
                    self.message(target[self.scalar(key)], depth - 1)
                else:
                    target[self.scalar(key)] = self.scalar(value)
        elif field.is_repeated:
            target = message.Extensions[field] if field.is_extension else getattr(message, field.name)
            for _ in range(count):
                if field.message_type:
                    self.message(target.add(), depth - 1)
                else:
                    target.append(self.scalar(field))
        elif field.message_type:
            target = message.Extensions[field] if field.is_extension else getattr(message, field.name)
            target.SetInParent()
            self.message(target, depth - 1)
        elif field.is_extension:
            message.Extensions[field] = self.scalar(field)
        else:
            setattr(message, field.name, self.scalar(field))

    def scalar(self, field):
        rng = self.rng
        if field.cpp_type in INTEGERS:
            low, high = INTEGERS[field.cpp_type]
            return rng.choice([low, high, 0, 1, rng.randint(low, high), rng.randint(max(low, -1000), 1000)])
        if field.cpp_type in (F.CPPTYPE_FLOAT, F.CPPTYPE_DOUBLE):
            width, name = ("<I", "<f") if field.cpp_type == F.CPPTYPE_FLOAT else ("<Q", "<d")
            bits = rng.getrandbits(8 * struct.calcsize(width))
            value = struct.unpack(name, struct.pack(width, bits))[0]
            return rng.choice([0.0, -0.0, 0.1, 1e10, float("inf"), float("-inf"), value if value == value else 1.5])
        if field.cpp_type == F.CPPTYPE_BOOL:
            return rng.random() < 0.5
        if field.cpp_type == F.CPPTYPE_ENUM:
            return rng.choice(field.enum_type.values).number
        if field.type == F.TYPE_BYTES:
            return rng.randbytes(rng.randint(0, 20))
        return rng.choice(TEXTS)

    def google_protobuf_Timestamp(self, message, _):
        message.seconds = self.rng.choice([0, -1, -62135596800, 253402300799, self.rng.randint(-(10**10), 10**10)])
        message.nanos = self.nanos()
        return message

    def google_protobuf_Duration(self, message, _):
        sign = self.rng.choice([1, -1])
        message.seconds = sign * self.rng.choice([0, 1, 315576000000, self.rng.randint(0, 10**9)])
        message.nanos = sign * self.nanos()
        return message

    def nanos(self):
        return self.rng.choice([0, 1, 1000, 5 * 10**8, 999999999, self.rng.randint(0, 999999999)])

    def google_protobuf_FieldMask(self, message, _):
        message.paths.extend(self.rng.sample(["foo", "foo_bar", "a.b_c.d", "x_y_z"], self.rng.randint(0, 3)))
        return message

    def google_protobuf_Value(self, message, depth):
        kinds = ["null_value", "number_value", "string_value", "bool_value"]
        kind = self.rng.choice(kinds + ["struct_value", "list_value"] * (depth > 0))
        if kind == "null_value":
            message.null_value = 0
        elif kind == "number_value":
            message.number_value = self.rng.choice([0.0, 1.5, -1e300, 2.0**53])
        elif kind == "string_value":
            message.string_value = self.rng.choice(TEXTS)
        elif kind == "bool_value":
            message.bool_value = self.rng.random() < 0.5
        else:
            getattr(message, kind).SetInParent()
            self.message(getattr(message, kind), depth - 1)
        return message

    def google_protobuf_Struct(self, message, depth):
        for _ in range(self.rng.randint(0, 3)):
            self.message(message.fields[self.rng.choice(TEXTS)], depth - 1)
        return message

    def google_protobuf_ListValue(self, message, depth):
        for _ in range(self.rng.randint(0, 3)):
            self.message(message.values.add(), depth - 1)
        return message

    def google_protobuf_Any(self, message, depth):
        if depth > 0:
            inner = self.message(new(self.pool, self.rng.choice(self.names)), depth - 1)
            message.Pack(inner)
        return message


class Testee:
    """Asks the program under test."""

    def __init__(self, pool, program, descriptors):
        self.request, self.response = (
            message_factory.GetMessageClass(pool.FindMessageTypeByName(f"conformance.Conformance{name}"))
            for name in ("Request", "Response")
        )
        self.process = subprocess.Popen([program, descriptors], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **fields):
        request = self.request(test_category=JSON_TEST, **fields).SerializeToString()
        self.process.stdin.write(struct.pack("<I", len(request)) + request)
        self.process.stdin.flush()
        (length,) = struct.unpack("<I", self.process.stdout.read(4))
        response = self.response.FromString(self.process.stdout.read(length))
        kind = response.WhichOneof("result")
        assert kind in ("json_payload", "protobuf_payload"), f"{kind}: {getattr(response, kind)}"
        return getattr(response, kind)


def new(pool, name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()


def printed(message, pool):
    return json_format.MessageToJson(message, descriptor_pool=pool, sort_keys=True)


def message_names(messages, scope):
    for message in messages:
        name = f"{scope}.{message.name}"
        if not message.options.map_entry and message.name not in WITHOUT:
            yield name
            yield from message_names(message.nested_type, name)


def main():
    descriptors, program = sys.argv[1:]
    pool = descriptor_pool.DescriptorPool()
    with open(descriptors, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    names = []
    for file in files:
        # Python's implementation does not read an edition that is not final.
        if file.edition < descriptor_pb2.EDITION_MAX and file.edition != 9999:
            pool.Add(file)
            names += message_names(file.message_type, file.package)
    for name in names:
        message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    assert len(names) >= TYPES, names

    rng = random.Random(SEED)
    maker = Maker(pool, rng, names)
    testee = Testee(pool, program, descriptors)
    for count in range(MESSAGES):
        name = names[count % len(names)]
        message = maker.message(new(pool, name), 4)
        wire = message.SerializeToString(deterministic=True)
        ours = testee.ask(message_type=name, protobuf_payload=wire, requested_output_format=JSON)
        theirs = printed(message, pool)
        read_by_python = json_format.Parse(ours, new(pool, name), descriptor_pool=pool)
        read_by_us = testee.ask(message_type=name, json_payload=theirs, requested_output_format=PROTOBUF)
        for read in (read_by_python, new(pool, name).FromString(read_by_us)):
            again = read.SerializeToString(deterministic=True)
            assert printed(read, pool) == theirs, f"{name}\n{ours}\n{theirs}"
            assert "@type" in theirs or again == wire, f"{name}\n{ours}\n{theirs}\n{wire!r}\n{again!r}"
    print(f"{MESSAGES} messages of {len(names)} types are the same in both directions")


main()
