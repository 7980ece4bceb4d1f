-- The peer of bench/compare-redis: what a good engineer writes in an afternoon to keep sessions in
-- Redis behind nginx. Expiry is Redis' own, there is no version, no compare-and-set, no conflict rule
-- and no list that cleans itself; so it does less for each request than Sojourn does.
local redis = require "nginx.redis"
local ffi = require "ffi"
pcall(ffi.cdef, "int RAND_bytes(unsigned char *buf, int num);")  -- nginx is linked with OpenSSL
local bytes = ffi.new("unsigned char[16]")

local function new_id()
  if ffi.C.RAND_bytes(bytes, 16) ~= 1 then return ngx.exit(500) end
  return (ffi.string(bytes, 16):gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

local function connect()
  local connection = redis:new()
  connection:set_timeout(2000)
  local ok, problem = connection:connect("127.0.0.1", tonumber(ngx.var.redis_port))
  if not ok then
    ngx.status = 503
    ngx.say('{"statusCode":503,"code":"STORE_UNAVAILABLE","description":"' .. problem .. '"}')
    return ngx.exit(503)
  end
  return connection
end

local function answer(connection, session)
  connection:set_keepalive(60000, 512)
  local body = '{"statusCode":200,"response":' .. session .. '}'
  ngx.header["Content-Length"] = #body
  ngx.header["Cache-Control"] = "no-store"
  ngx.header["X-Content-Type-Options"] = "nosniff"
  ngx.print(body)
end

local tenant = ngx.var.arg_tenantId
if not tenant then return ngx.exit(400) end
local connection = connect()

if ngx.req.get_method() == "PUT" then
  local id = new_id()
  local customer = ngx.var.http_gkc_customerid
  local now = ngx.utctime()
  local session = '{"sessionId":"' .. id .. '","tenantId":"' .. tenant .. '","agentId":null,"customerId":' ..
    (customer and '"' .. customer .. '"' or 'null') .. ',"visitId":null,"globalVisitId":null,"anonymous":' ..
    (customer and 'false' or 'true') .. ',"isNew":true,"createdAt":"' .. now .. '","lastAccessedAt":"' .. now ..
    '","expiresAt":"' .. now .. '","version":1,"attributes":{}}'
  connection:init_pipeline()
  connection:multi()
  connection:set("session:" .. tenant .. ":" .. id, session, "EX", 1800)
  connection:zadd("due:" .. tenant, ngx.time() + 1800, id)
  connection:xadd("events:" .. tenant, "MAXLEN", "~", 1000000, "*", "type", "session.created", "session", session)
  connection:exec()
  local results, problem = connection:commit_pipeline()
  if not results or not results[#results] then return ngx.exit(503) end
  return answer(connection, session)
end

local session = connection:get("session:" .. tenant .. ":" .. ngx.var.uri:match("[^/]+$"))
if not session or session == ngx.null then return ngx.exit(404) end
answer(connection, session)
