# SPDX-License-Identifier: MIT
"""ClickHouse in this process: libchdb by its C interface."""
import ctypes


class Failed(Exception):
    pass


class Engine:
    def __init__(self, library, *arguments):
        lib = self.lib = ctypes.CDLL(library)
        for name, result, parameters in (
                ("connect", ctypes.c_void_p, None), ("close_conn", None, [ctypes.c_void_p]),
                ("query", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]),
                ("result_buffer", ctypes.c_void_p, [ctypes.c_void_p]),
                ("result_length", ctypes.c_size_t, [ctypes.c_void_p]),
                ("result_error", ctypes.c_char_p, [ctypes.c_void_p]),
                ("destroy_query_result", None, [ctypes.c_void_p])):
            function = getattr(lib, "chdb_" + name)
            function.restype, function.argtypes = result, parameters
        words = [b"clickhouse", *(a.encode() for a in arguments)]
        self.held = lib.chdb_connect(len(words), (ctypes.c_char_p * len(words))(*words))
        if not self.held:
            raise Failed("the engine does not start")

    def bytes(self, sql, output="TabSeparated"):
        result = self.lib.chdb_query(ctypes.c_void_p.from_address(self.held), sql.encode(), output.encode())
        try:
            error = self.lib.chdb_result_error(result)
            if error:
                raise Failed(error.decode(errors="replace"))
            size = self.lib.chdb_result_length(result)
            return ctypes.string_at(self.lib.chdb_result_buffer(result), size) if size else b""
        finally:
            self.lib.chdb_destroy_query_result(result)

    def rows(self, sql):
        """Rows of text."""
        return [line.split("\t") for line in self.bytes(sql).decode().splitlines()]

    def value(self, sql):
        return self.rows(sql)[0][0]

    def close(self):
        self.lib.chdb_close_conn(self.held)
