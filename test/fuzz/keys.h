// Fixed keys, one of each type, and a valid token for each way of signing with them. The private halves are gone: no
// target can make another token of the asymmetric kinds.
#pragma once

#include <string>
#include <string_view>

namespace pgrest::fuzz {

inline constexpr std::string_view kSecret = "a secret of the fuzz targets, 40 bytes!!";

inline constexpr std::string_view kKeySet =
    R"({"keys":[{"kty":"oct","kid":"h","alg":"HS256","k":"YSBzZWNyZXQgb2YgdGhlIGZ1enogdGFyZ2V0cywgNDAgYnl0Z)"
    R"(XMhIQ"},)"
    R"({"kty":"RSA","kid":"r","n":"yI0XguStPl03X3kC7wXHmbhr_E9HNUbuTpGOGsZHoUfjcJTBiWk8U07vHMyFZnDwPz1eTiuW)"
    R"(Ur6BbboOTEZ1iwukH2iqt9rV8C5DqOGX9KabMa03V0-TH5RBE8r9JwIcXKnPp01DFdTdC87hrcFq77G7zY1hpCme5unHULWZZjNF)"
    R"(9Zs1PXmYJ56Z_pkgTe-y_2ZRfNIAdvEElawThm0T07wSNCpRGbwtQYxqhXtdDrB5NxiPX80GRnzAJ9cSPvcaveHexmYLPaojmJQI)"
    R"(7PyqefvdrvlQ6-RtEvTsgqNQwZLL4n7UYhH75BEg266zaWGmGGcH8YMJlfq2iK3svZXBMw","e":"AQAB"},)"
    R"({"kty":"EC","kid":"e","crv":"P-256","x":"fdzn4oJF2AfZTP9s7Zz65MLZldQAJ8kIG4sjDohdKFY","y":"TMU7uJJoG)"
    R"(5WOdopz1GGhqp_yJo3klBAETJqIXiMdmHg"},)"
    R"({"kty":"OKP","kid":"d","crv":"Ed25519","x":"2cBhGLiFmMz4OcJmmgVr2jPexRl0PPKThGXphMl4XjE"}]})";

// HS256, RS256, PS256, ES256, EdDSA; all of them {"role":"clerk","exp":4102444800}.
inline constexpr std::string_view kTokens[] = {
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImgifQ.eyJyb2xlIjoiY2xlcmsiLCJleHAiOjQxMDI0NDQ4MDB9.MBLBCc2TlWc7e9Rd6rNY6GPPyQX7Fq"
    "dpmNX1rPwyP0Q",
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJyb2xlIjoiY2xlcmsiLCJleHAiOjQxMDI0NDQ4MDB9.cqbFQUAEWsQLuVMK2bTwVg9HEhOSmX"
    "DZqhIh0t9qtbLCgbef8Czi5_rjJJ3WGziCuSxGpiHZaI5mSvBvLcMCd28sW-791GJFXwo5slOd1OXuUszeWsfGMVhZO0vEB3NpoJVWWd2jFC7h"
    "g9OCLnb4jk9DdtDy56XTb8Oh-FS7VxevGXEwS28dFBs9W1LAxrbwdZcpZRNJok7odLivdtdiFRuByX3GMV2D0iTs7baDNU8893a8npM8Gj-JeL"
    "sTsDtcONexkyLpzho0VEW11sTw_PRNjNtwQZRvugcV2vI3q_l0WtTeoRuks9Z5FyUztg_PaJiatpobKbMG5PkxIsZEGQ",
    "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJyb2xlIjoiY2xlcmsiLCJleHAiOjQxMDI0NDQ4MDB9.AoViRM7oXjyVrBwKAVPQSBltdONVlp"
    "FxnzgbQpeHk1jPIYH0Kq6Gzjzkl6VDaiH2o4_duyAVUiAmWJg-gyb5GjFgqddkuszQwTmULf-bHPaePuyh7jqjCL2BO6DTm-cV-JpXiRchZ9bm"
    "hoQumA9Prk69QRIh2XJoJt_XAJQVnz2ZuzgWfZMT3mtFRCsyCs8V0zCAlJ8u6eonrXR7sIU-QpR5XQGUfZe1h_OMJCSR_oreW_0N3I-oyWgn6h"
    "JN9xhn-Dd0hli0FjM1ly7dMyi_SMX2dbwjH0QuMJPQOMMSnlcaYNQyO9cwA-j0uWAUhrrAeXQD146qL4MUBTjFJci-RA",
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJyb2xlIjoiY2xlcmsiLCJleHAiOjQxMDI0NDQ4MDB9.KFSVRMSC9oitrwffihV1JGbUydTLrO"
    "gTaSEHLnOXFxgpPo6_YDurXPQnzD5xaEKDmu4rzRPmoRSJfc57d9H64w",
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImQifQ.eyJyb2xlIjoiY2xlcmsiLCJleHAiOjQxMDI0NDQ4MDB9.UKdFJ-oNfrZd_RrD-11TTpWbSb4DYh"
    "KmSJ4nuuJum036w9o37cQyDWgUQkr-W-xiCv1uCs_u_brraK1jvIg6Bw",
};

}  // namespace pgrest::fuzz
