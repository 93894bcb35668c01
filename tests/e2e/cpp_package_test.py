# SPDX-License-Identifier: Apache-2.0
"""Other programs can use what `cmake --install --component` installs."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from programs import BIN, ROOT, ServerTestCase, clean_environment

PROTOS = {path.relative_to(ROOT / "proto") for path in (ROOT / "proto/qconfig/v1").glob("*.proto")}


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), timeout=900)
    if result.returncode != 0:
        raise AssertionError(f"{command}: {result.stdout}{result.stderr}")
    return result.stdout


def install(component, prefix):
    run("cmake", "--install", BIN.parent, "--component", component, "--prefix", prefix)


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


class CppPackageTest(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory(prefix="qconfig-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.prefix = pathlib.Path(cls.folder.name) / "prefix"
        install("qconfig-dev", cls.prefix)

    def test_has_headers_libraries_cmake_files_and_licence_only(self):
        kinds = {(path.parts[0], path.suffix) for path in files(self.prefix)}
        self.assertEqual(kinds, {("include", ".h"), ("lib", ".a"), ("lib", ".cmake"), ("share", "")})
        headers = files(self.prefix / "include")
        for proto in PROTOS:
            self.assertIn(proto.with_suffix(".pb.h"), headers)
        for header in headers:
            text = (self.prefix / "include" / header).read_text()
            own = [line.split('"')[1] for line in text.splitlines() if line.startswith('#include "qconfig/')]
            self.assertLessEqual(set(map(pathlib.Path, own)), headers, header)

    def test_contains_no_build_paths(self):
        for path in self.prefix.rglob("*.cmake"):
            self.assertNotIn(str(ROOT), path.read_text(), path)

    def test_does_not_register_google_rpc(self):
        for path in self.prefix.rglob("*.a"):
            self.assertNotIn(b"google/rpc/", path.read_bytes(), path)

    def test_works_in_a_program_with_its_own_google_rpc(self):
        build = pathlib.Path(self.folder.name) / "build"
        run("cmake", "-S", ROOT / "tests/client/package", "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DGOOGLE_RPC_DIR={ROOT / 'proto/external'}")
        run("cmake", "--build", build, "-j", str(min(2, os.cpu_count())))
        self.assertEqual(
            run(build / "own_google_rpc", self.server.address),
            'TEMPLATE_NOT_FOUND llama\ndetails { [type.googleapis.com/google.rpc.ErrorInfo] { domain: "own" } }\n',
        )


class ProtoTest(unittest.TestCase):
    def test_protos_can_be_installed_alone_and_compiled(self):
        with tempfile.TemporaryDirectory(prefix="qconfig-") as folder:
            install("qconfig-proto", folder)
            share = pathlib.Path(folder) / "share/qconfig"
            self.assertEqual(files(pathlib.Path(folder)), {
                *(pathlib.Path("share/qconfig/proto") / proto for proto in PROTOS),
                pathlib.Path("share/qconfig/service_config.json"),
                pathlib.Path("share/doc/qconfig/LICENSE"),
                pathlib.Path("share/doc/qconfig/NOTICE"),
            })
            run("protoc", "-I", share / "proto", "-o", f"{folder}/set.binpb", *map(str, PROTOS))
            found = pathlib.Path(folder, "set.binpb").read_bytes()
            for proto in PROTOS:
                self.assertIn(str(proto).encode(), found)


if __name__ == "__main__":
    unittest.main()
