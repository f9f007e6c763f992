"""The cases: written by hand, and made at random from a grammar and then spoilt."""

import random

FILTERS = {
    "runs": r"""
metrics.loss < 0.1
metric.acc >= 0.94
metric.acc>=100
metrics.a = 1.
metrics.a = .5
metrics.a = -.5
metrics.a = 1e5
metrics.a = 1e+5
metrics.a = 1E-5
metrics.a = 1.5e3
metrics.a = 1.e3
metrics.a = 0x1F
metrics.a = 12a
metrics.a = 1.2a
metrics.a = 1_000
metrics.a = --5
metrics.a = - 5
metrics.a = +5
metrics.a = 5 + 3
metrics.a = ٣
metrics.a = '5'
metrics.a = 1e999
metrics.a = 99999999999999999999
metrics.a = nan
metrics.a == 1
metrics.a <> 1
metrics.a !== 1
metrics.a ~ 1
metrics.a LIKE 1
metrics.a IN (1, 2)
metrics.a IS NULL
metrics.a != metrics.b
metrics.a BETWEEN 1 AND 2
metrics.a > 1 AND metrics.b < 2
metrics.a > 1 and metrics.b < 2
metrics.a > 1 AnD metrics.b < 2
metrics.a > 1 AND AND metrics.b < 2
AND metrics.a > 1
metrics.a > 1 AND
AND
metrics.a > 1 metrics.b > 2
metrics.a > 1metrics.b > 2
metrics.a > 1 OR metrics.b > 2
metrics.a > 1 && metrics.b > 2
metrics.a > 1, metrics.b > 2
metrics.a > 1; metrics.b > 2
metrics.a > 1;
metrics.a > 1 ;  
metrics.a > 1 AND (metrics.b > 2)
(metrics.a > 1)
NOT metrics.a > 1
metrics."legit name" >= 0.243
metrics.`spacey name` > 5
metrics.'single' > 5
metrics.`a``b` > 5
metrics.`` > 5
metrics."" > 5
metrics.`a"b` > 5
metrics."a`b" > 5
metrics."X-Y-Z" = 3
metrics.X-Y-Z = 3
metrics.X/Y = 3
metrics.a.b.c > 5
metrics.a.5 > 5
metrics.5a > 5
metrics.5 > 5
metrics."accuracy.2.0" > 5
metrics. a > 5
metrics .a > 5
metrics . a > 5
metrics..a > 5
metrics. > 5
metrics > 5
.a > 5
metrics.* > 5
metrics.a[1] > 5
metrics.[a] > 5
metrics[a] > 5
metrics.f(x) > 5
f(x) > 5
metrics.a::b > 5
metrics.a->b > 5
metrics.a ->> 'b' > 5
metrics.a DESC > 5
metrics.a AS b > 5
metrics.a b > 5
metrics.select > 5
metrics.in > 5
metrics.IN > 5
metrics.case > 5
metrics.from > 5
metrics.and > 5
metrics.timestamp > 5
metrics.date > 5
metrics.order by > 5
metrics.é > 5
metrics.ж > 5
metrics.中文 > 5
métrics.a > 5
metrics.× > 5
×(y) > 5
× > 5
metrics.a$ > 5
metrics.é > 5
metrics.a > 5
metrics.a >​5
metrics._a > 5
metrics.a_b$c > 5
metrics.a#b > 5
metrics.a@b > 5
metrics.#abc > 5
metrics.@abc > 5
metrics.:abc > 5
metrics.$abc > 5
metrics.%s > 5
metrics.a%s > 5
metrics.? > 5
metrics.\abc > 5
`metric`.a >= 0.1
"metric".a >= 0.1
`metrics.a` > 1
Metrics.a > 1
m.acc >= 0.94
acc >= 0.94
1.0 > metrics.acc
1=1
1==2
metrics.a = NULL
NULL = 5
metrics.a > 1 -- comment
metrics.a > 1 --comment
metrics.a > 1 # comment
metrics.a > 1 /* comment */
/* comment */ metrics.a > 1
-- comment
metrics.a /* comment */ > 1
metrics.a > /* comment */ 1
metrics.a > 1 /* comment
metrics.a > 1 /*+ hint */ AND metrics.b > 1
params.m = 'LR'
params.m = "LR"
params.m!='tf'
params."m"!="tf"
params.m = "L'Hosp"
params.m = 'L''Hosp'
params.m = 'L\'Hosp'
params.m = "L""Hosp"
params.m = 'a\\'
params.m = 'a\'
params.m = ''
params.m = ""
params.m = ''''
params.m = '''a'''
params.m = 'a' 'b'
params.m = 'a''
params.m = 'a
params.m = a'
params.m = "a'
params.m = LR
params.m = `LR`
params.m = a.b
params.m = 5
params.m = 5 b
params.m = 'x' b
params.m = ('x')
params.m = [x]
params.m = $$x$$
params.m = $tag$x$tag$
params.m = date '2020-01-01'
params.m = timestamp '2020-01-01'
params.m = 'x' AT TIME ZONE 'UTC'
params.m = interval '1' day
params.m LIKE '%x_'
params.m like '%x'
params.m Like '%x'
params.m ILIKE '%x'
params.m RLIKE 'x'
params.m NOT LIKE '%x'
params.m NOT  LIKE '%x'
params.m REGEXP 'x'
params.m > 'x'
params.m IN ('x')
params.m IS NULL
params.m is null
params.m IS NOT NULL
params.m is not null
params.m IS  NOT  NULL
params.m IS NOT 'x'
params.m IS
params.m NOT IN ('x')
params.m IS NULL AND tags.a IS NOT NULL
tags.a IS NULL AND params.b = 'val'
parameters.lr = '0.1'
parameter.lr = '0.1'
param.lr = '0.1'
tag.a = 'b'
tags.mlflow.source.name = 'x'
tags.`mlflow.source.name` = 'x'
tags."mlflow.parentRunId" = 'x'
tags.version = 'commit-hash'
tags.a = 'b' AND tags.a = 'c'
tags.key = 'café' AND tags.x = '日本'
tags.a = '{"json": "yes"}'
attribute.artifact_uri = '1/23/4'
attributes.status = 'RUNNING'
attr.status = 'RUNNING'
run.status = 'RUNNING'
run.status = RUNNING
run.status = "RUNNING"
attribute.status IN ('RUNNING')
status = 'RUNNING'
status IS NULL
status > 'a'
attribute.start_time >= 1234
attribute.start_time >= 1234.5
attribute.start_time >= '1234'
attribute.start_time LIKE 5
attribute.start_time >= 99999999999999999999
start_time > 5 and end_time < 6
attribute.end_time = -1
created > 5
Created > 5
attributes.Created > 5
run_name = 'x'
`run name` = 'x'
`Run name` LIKE 'x'
attributes."Run Name" ILIKE 'x'
attributes.`Run Name` = 'x'
run name = 'x'
user_id = 'me'
experiment_id = '1'
lifecycle_stage = 'active'
name = 'x'
run_id = 'x'
run_id IN ('x', 'y')
run_id in ('x','y')
run_id NOT IN ('x','y')
run_id not in ('x')
run_id IN ('x',)
run_id IN ("x", 'y')
run_id IN ()
run_id IN (1)
run_id IN (1, 2)
run_id IN ('x', 1)
run_id IN (x)
run_id IN ('x' 'y')
run_id IN ('x''y')
run_id IN ('x\ty')
run_id IN ('x\'y')
run_id IN (r'x\ty')
run_id IN (b'x')
run_id IN (u'x')
run_id IN (f'x')
run_id IN (('x', 'y'))
run_id IN ((('x')))
run_id IN (('x',), 'y')
run_id IN ('x', ('y'))
run_id IN ['x']
run_id IN 'x'
run_id IN x
run_id IN
run_id IN (
run_id IN ('x'
run_id IN 'x')
run_id IN('x')
run_id IN ('x') AND run_id IN ('y')
run_id IN ('x', # comment
run_id IN ('x', /* c */ 'y')
run_id IN ('\x41\u0042\103\N{DIGIT ONE}')
run_id IN ('\d')
run_id IN ('é', '日本')
run_id IN (None)
run_id IN (True, 'x')
run_id IN (1.5, 'x')
run_id IN (-1, 'x')
run_id IN ([], 'x')
run_id IN ({}, 'x')
run_id IN ('x', 'y'])
run_id IN ('x';)
run_id = ('x')
run_id LIKE ('x')
status IN ('x')
`run_id` IN ('x')
attributes.run_id IN ('x')
datasets.name = 'x'
dataset.name = 'x'
datasets.digest IN ('x', 'y')
datasets.context NOT IN ('x')
datasets.name LIKE '%x'
datasets.name > 'x'
datasets.name IS NULL
datasets.name = x
datasets.name = 5
datasets.status = 'x'
datasets.`name` = 'x'
case metrics.a > 1 end
begin metrics.a > 1 end
if metrics.a > 1 end if
where metrics.a > 1
where metrics.a > 1 limit 5
select * from runs
values ('x') AND metrics.a > 1
a := 5
metrics.a := 5 AND metrics.b > 1
metrics.a > 1 GO metrics.b > 1
metrics.a > 1 GO 5
metrics.a > 1 limit 1
metrics.a > 1 order by metrics.a
metrics.a > 1 as x
metrics.a > 1 x
NULL
'
"
`
;
()
(
)
)(
==
*
--
#
/*
*/
$$
´a´.b > 1
metrics.´a b´ > 1
""".split("\n"),
    "experiments": r"""
name = 'x'
name LIKE 'a%'
name ILIKE 'a%'
name != "x"
name IN ('x')
name RLIKE 'x'
name > 'x'
name = x
name = 5
name IS NULL
attribute.name = 'x'
attributes.name = 'x'
attr.name = 'x'
experiment.name = 'x'
`name` = 'x'
"name" = 'x'
name = 'x' AND tags.a = 'b'
tags.a = 'b' AND tag.c LIKE 'd'
tags.a IS NULL
tags.a IS NOT NULL
tags.a > 'b'
tags.a IN ('b')
tags.a = 5
tags.`a b` = 'c'
tags.mlflow.note.content ILIKE '%x%'
creation_time > 5
creation_time > 5.5
creation_time > '5'
creation_time LIKE 5
creation_time IS NULL
last_update_time <= 1650000000000
last_update_time = 99999999999999999999
experiment_id = '1'
experiment_id = ' 1 '
experiment_id = '0x1'
experiment_id = 'abc'
experiment_id = '01'
experiment_id = 1
experiment_id IN ('1', '2')
experiment_id in ('1')
experiment_id NOT IN ('1')
experiment_id IN ('a')
experiment_id IN (1, 2)
experiment_id != '1'
experiment_id LIKE '1'
experiment_id > '1'
experiment_id = '99999999999999999999'
attribute.experiment_id IN ('1')
metrics.a > 1
params.a = '1'
artifact_location = 'x'
lifecycle_stage = 'active'
name = 'x' OR name = 'y'
name = 'x' name = 'y'
  
name = 'x';
""".split("\n"),
    "registered_models": r"""
name = 'x'
name LIKE 'x%'
name like 'x%'
name ILIKE 'x%'
name ilike 'x%'
name IN ('x', 'y')
name in ('x')
name NOT IN ('x')
name != 'x'
name > 'x'
name RLIKE 'x'
name = 5
name = x
name = "x"
name = ('x')
name LIKE ('x')
name IS NULL
tags.a IS NULL
`name` = 'x'
attribute.name = 'x'
attributes.name = 'x'
attribute.`name` = 'x'
tags.a = 'b'
tag.a = 'b'
tags.a IN ('b')
tags.a LIKE 'b'
tags.a > 'b'
tags.`mlflow.prompt.is_prompt` = 'true'
tags.`mlflow.prompt.is_prompt` != 'true'
tags."a b" = 'c'
name = 'x' AND tags.a = 'b'
name = 'x' OR tags.a = 'b'
creation_timestamp > 5
run_id = 'x'
source_path = 'x'
metrics.a > 1
""".split("\n"),
    "model_versions": r"""
name = 'x'
name LIKE 'x%'
name IN ('x', 'y')
name NOT IN ('x')
run_id = 'x'
run_id IN ('x', 'y')
run_id NOT IN ('x')
run_id IN ()
run_id IN (1)
run_id IN ('x',,)
source_path = 'x'
source_path LIKE 'x%'
source_path IN ('x')
source_path = ('x')
version_number = 5
version_number = '5'
version_number = 'a'
version_number = 5.5
version_number >= 5
version_number LIKE '5'
version_number IN ('5')
version_number = 99999999999999999999
version_number IS NULL
version = 5
name = 5
name = 5.5
run_id > 'x'
creation_timestamp > 5
last_updated_timestamp > 5
tags.a = 'b'
tag.a LIKE 'b'
tags.a > 'b'
tags.a = 5
tags.a = ('b')
attribute.run_id = 'x'
attributes.run_id = 'x'
attribute.`run_id` = 'x'
name = 'x' AND version_number > 3 AND tags.`a b` != 'c'
""".split("\n"),
    "logged_models": r"""
name = 'x'
name = "x"
name = x
name = `x`
name = 5
name = '''x'''
name LIKE 'x%'
name like 'x%'
name ILIKE 'x%'
name RLIKE 'x'
name > 'x'
name IN ('x', 'y')
name in ('x')
name NOT IN ('x')
name IN (1)
name IN (1, 2)
name IN (1.5, 'x')
name IN ()
name IN (None, 'x')
name IN (x)
name = ('x')
name IS NULL
`name` = 'x'
attributes.name = 'x'
attribute.name = 'x'
model_id = 'x'
model_type = 'x'
source_run_id = 'x'
status = 'READY'
status = 'ready'
status != 'PENDING'
status IN ('READY', 'FAILED')
status IN ('READY', 'x')
status IN (5)
status LIKE 'READY'
status = READY
attributes.status = 'READY'
lifecycle_stage = 'active'
experiment_id = '0'
experiment_id = 0
artifact_location LIKE 'x%'
status_message = 'x'
creation_timestamp > 5
creation_time > 5
creation_timestamp_ms > 5
last_updated_timestamp > 5
last_updated_timestamp_ms > 5
last_updated_time > 5
creation_timestamp > 5.5
creation_timestamp > '5'
creation_timestamp > x
creation_timestamp LIKE 5
attributes.creation_timestamp > 5
attributes.creation_time > 5
attributes.creation_timestamp_ms > 5
attributes.last_updated_timestamp > 5
foo = 'x'
metadata = 'x'
tags = 'x'
params = 'x'
metrics.a > 5
metrics.a > 5.5e3
metrics.a > -5
metrics.a > - 5
metrics.a > nan
metrics.a > inf
metrics.a > -inf
metrics.a > Infinity
metrics.a > 1_000
metrics.a > '5'
metrics.a > x
metrics.a > 0x5
metrics.a = 5 + 3
metrics.a LIKE 5
metrics.a IN (5)
metrics.`a b` > 5
metrics.`a``b` > 5
metrics."a b" > 5
metrics.a.b > 5
metrics. a > 5
metrics .a > 5
metric.a > 5
Metrics.a > 5
params.a = '5'
params.a = 5
params.a = "5"
params.a = a b
params.a > 5
params.a LIKE '5%'
params.a IN ('5')
params.a IN (5, 6)
params.a IS NULL
params.a IS NOT NULL
param.a = '5'
tags.a = 'b'
tags.a IN ('b')
tags.a = 'b' AND metrics.c > 1
tags.a = 'b' and metrics.c > 1
tags.a = 'b' OR metrics.c > 1
tags.a = 'b' metrics.c > 1
tags.a = 'b';
tags.a = 'b'; tags.c = 'd'
(tags.a = 'b')
tags.a
foo.bar = 'x'
  
AND
.and tags.a = 'b'
1 = 1
'a' = 'b'
name = NULL
""".split("\n"),
    "traces": r"""
request_id = 'x'
request_id IN ('x', 'y')
request_id NOT IN ('x')
timestamp > 5
timestamp>5
timestamp_ms > 5
timestamp > 5.5
timestamp > '5'
timestamp > 'x'
timestamp_ms > '5'
timestamp_ms > '5.5'
timestamp_ms > 'x'
timestamp = 5 AND timestamp < 6
timestamp LIKE 5
timestamp IN (5)
TIMESTAMP > 5
Timestamp > 5
timestamp
timestamp >
timestamp > x
timestamp > 5 status = 'OK'
attributes.timestamp > 5
attribute.timestamp > 5
trace.timestamp > 5
trace.timestamp_ms > 5
`timestamp` > 5
execution_time > 5
execution_time_ms > 5.5
end_time > 5
end_time_ms <= 5
end_time > '5'
execution_time LIKE 5
status = 'OK'
trace.status = 'OK'
attribute.status != 'ERROR'
status IN ('OK', 'ERROR')
status LIKE 'O%'
status RLIKE 'O.*'
status rlike 'O.*'
status > 'a'
status IS NULL
status = 5
status = OK
name = 'x'
name IN ('x')
name LIKE 'x'
name RLIKE '^x'
name IS NULL
trace.name = 'x'
tags.name = 'x'
run_id = 'x'
run_id IN ('x')
run_id IS NULL
run_id RLIKE 'x'
client_request_id = 'x'
client_request_id IN ('x')
experiment_id = '0'
prompt = 'a/1'
prompt = "a/1"
prompt = 'a'
prompt = 'a/b/c'
prompt != 'a/1'
prompt LIKE 'a/1'
prompt IN ('a/1')
prompt IS NULL
tags.mlflow.linkedPrompts = 'a/1'
tags.mlflow.linkedPrompts = ('a/1')
tags.prompt = 'a/1'
text = 'x'
text LIKE '%x%'
text ILIKE '%x%'
text like '%x%'
text RLIKE 'x'
trace.text LIKE '%x%'
tags.text LIKE '%x%'
span.name = 'x'
span.name LIKE 'x'
span.name like 'x'
span.name RLIKE 'x'
span.name IN ('x', 'y')
span.name NOT IN ('x')
span.name > 'x'
span.name IS NULL
span.type = 'LLM'
span.status = 'OK'
span.content LIKE '%x%'
span.content ILIKE '%x%'
span.content = 'x'
span.foo = 'x'
span.attributes.a = 'x'
span.attributes.a.b LIKE 'x'
span.attributes.`a.b` LIKE 'x'
span.attributes. = 'x'
span.attributes.a IN ('x')
span.attributes.a RLIKE '^x$'
span.attributes.a RLIKE ('x')
span.attributes.a IS NULL
span.name = 5
span.`name` = 'x'
feedback.a = 'x'
feedback.a = "x"
feedback.a > 5
feedback.a >= 0.5
feedback.a = 5
feedback.a > '5'
feedback.a LIKE 'x'
feedback.a like 'x'
feedback.a RLIKE 'x'
feedback.a IN ('x')
feedback.a IS NULL
feedback.a IS NOT NULL
feedback.`a b` = 'x'
feedback.name = 'x'
feedback. = 'x'
feedback.a = true
expectation.a = 'x'
expectation.a < 5
expectation.a IS NULL
issue.id = 'x'
issue.id != 'x'
issue.id IN ('x')
issue.foo = 'x'
issue.id = 5
issue.id IS NULL
assessment.a = 'x'
metadata.a = 'x'
request_metadata.a = 'x'
metadata.`mlflow.trace.session` = 'x'
metadata.mlflow.trace.session LIKE 'x'
metadata.mlflow.trace.tokenUsage = '{}'
metadata.mlflow.trace.tokenUsage LIKE 'x'
metadata.`mlflow.trace.tokenUsage` IS NULL
metadata.mlflow.trace.cost RLIKE 'x'
metadata.mlflow.sourceRun = 'x'
metadata.a RLIKE 'x'
metadata.a IN ('x')
metadata.a IS NULL
metadata.a > 'x'
metadata.a = 5
metadata.run_id = 'x'
tags.a = 'x'
tag.a LIKE 'x'
tags.a RLIKE 'x'
tags.a IN ('x')
tags.a = ('x')
tags.a IS NULL
tags.a > 'x'
tags.`mlflow.traceName` = 'x'
tags.timestamp = 'x'
metrics.a > 5
params.a = 'x'
foo = 'x'
status = 'OK' AND timestamp > 5
timestamp > 5 AND status = 'OK' AND tags.a = 'b' AND feedback.c > 1
status = 'OK' OR status = 'ERROR'
span.name = 'x' AND timestamp > 5
span.name = 'x' AND timestamp_ms > '5' AND timestamp > 6
timestamp > 99999999999999999999
timestamp < 99999999999999999999
""".split("\n"),
    "trace_metrics": r"""

trace.status = 'OK'
trace.status = "OK"
trace.status = OK
trace.status = 5
trace.status != 'OK'
trace.status LIKE 'OK'
trace.status.x = 'OK'
trace.tag.a = 'b'
trace.tag.a.b = 'c'
trace.tag.`a b` = 'c'
trace.tag."a b" = 'c'
trace.tag = 'b'
trace.tag. = 'b'
trace.tags.a = 'b'
trace.metadata.mlflow.trace.session = 'x'
trace.metadata.`mlflow.trace.session` = 'x'
trace.metadata.`mlflow.trace.tokenUsage` = 'x'
trace.metadata = 'x'
span.name = 'x'
span.type = 'x'
span.status = 'x'
span.foo = 'x'
span.name.x = 'y'
assessment.name = 'x'
assessment.type = 'feedback'
assessment.value = 'x'
`trace`.status = 'OK'
"trace".status = 'OK'
foo.bar = 'x'
status = 'OK'
trace.status = 'OK' AND span.name = 'x'
trace.status = 'OK' span.name = 'x'
trace.status IN ('OK')
trace.tag.a IS NULL
timestamp = 5
  
trace.status = 'OK';
""".split("\n"),
    "datasets": r"""
name = 'x'
name LIKE 'x%'
name like 'x%'
name ILIKE 'x%'
name RLIKE 'x'
name > 'x'
name == 'x'
name NOT LIKE 'x'
name IN ('x', 'y')
name in ('x')
name NOT IN ('x')
name = ('x')
name IS NULL
name = 5
name = x
created_by = 'x'
created_by IN ('x')
created_by NOT LIKE 'x'
last_updated_by = 'x'
created_time > 5
created_time > 5.5
created_time > '5'
created_time LIKE 5
created_time IN (5)
last_update_time < 5
last_update_time > 99999999999999999999
tags.a = 'b'
tags.a LIKE 'b'
tags.a like 'b'
tags.a > 'b'
tags.a IS NULL
tags.a IN ('b')
tags.`a` = 'b'
tags."a b" = 'c'
tag.a = 'b'
attribute.name = 'x'
`name` = 'x'
metrics.a = 'x'
name = 'x' AND tags.a = 'b'
name = 'x' OR tags.a = 'b'
""".split("\n"),
}

ORDERS = {
    "runs": r"""
start_time
start_time DESC
start_time asc
start_time  DESC
start_time DESC 
 start_time
start_time UP
start_time DESC DESC
start_time DESC NULLS LAST
attribute.start_time
attributes.Created DESC
created
run_name
Run Name
`Run Name`
run_id ASC
run_id, start_time
metrics.a
metric.a DESC
metrics.`a b`
metrics.`a b` DESC
metrics."a b" ASC
metrics.'a b' ASC
metrics.`a"b` DESC
metrics.a`b` DESC
metrics.a'b DESC
metrics.`a'b` DESC
metrics.`a\b` DESC
metrics.`a\"b` DESC
metrics.a.b DESC
metrics.a b DESC
metrics. a DESC
metrics.5
params.a
tags.a DESC
tags.mlflow.source.name
tags.`mlflow.source.name` desc
datasets.name
dataset.name DESC
foo.bar
foo
timestamp
timestamp DESC
timestamp  desc
TIMESTAMP DESC
timestamp DESC 
timestamp NULLS FIRST
version
'a'
"start_time"
`start_time` DESC
"start_time" DESC
a > b
5
5 DESC
metrics.5 DESC
metrics.a -- x
metrics.a /* x */ DESC
metrics.a; metrics.b
count(x)
metrics.[a] DESC
status
user_id
artifact_uri
end_time
metrics.
;
""".split("\n"),
    "experiments": r"""
name
name DESC
experiment_id
creation_time ASC
last_update_time desc
attribute.name
attributes.`name` DESC
tags.a
tags.a DESC
metrics.a
foo
attr.name
`name`
timestamp
""".split("\n"),
    "registered_models": r"""
name
name ASC
timestamp
timestamp DESC
timestamp ASC
last_updated_timestamp
last_updated_timestamp DESC
creation_timestamp
`name`
`name` ASC
attribute.name
attributes.name DESC
foo
Timestamp
""".split("\n"),
    "model_versions": r"""
name
version_number DESC
creation_timestamp
last_updated_timestamp ASC
attribute.name
attributes.version_number DESC
tags.name
tags.a
run_id
version
foo
timestamp
""".split("\n"),
    "logged_models": r"""
name
model_id
creation_timestamp
creation_time
creation_timestamp_ms
last_updated_timestamp
last_updated_timestamp_ms
last_updated_time
status
model_type
experiment_id
lifecycle_stage
metrics.a
metrics.a.b
metrics.`a b`
metrics.
metrics
metric.a
params.a
foo
 name
metadata
tags

""".split("\n"),
    "traces": r"""
timestamp
timestamp DESC
timestamp_ms
timestamp_ms DESC
execution_time
execution_time_ms ASC
end_time DESC
end_time_ms
status
request_id
experiment_id
name
name DESC
run_id
tags.a
tag.`a b` DESC
metadata.a
request_metadata.a DESC
metadata.`mlflow.trace.session`
metadata.mlflow.trace.tokenUsage
metadata.mlflow.trace.cost DESC
feedback.a
span.name
issue.id
text
tags.text
prompt
client_request_id
metrics.a
foo
trace.timestamp DESC
attribute.timestamp
""".split("\n"),
    "datasets": r"""
name
name DESC
created_time
last_update_time desc
created_by
tags.a
attribute.name
`name`
`name` DESC
foo
""".split("\n"),
}

PAIRS = [
    ("runs", ["metrics.a", "metrics.a DESC"]),
    ("runs", ["metrics.a", "metric.a"]),
    ("runs", ["start_time", "created DESC"]),
    ("runs", ["metrics.a", "params.a", "tags.a"]),
    ("runs", ["run_id", "foo", "run_id"]),
    ("experiments", ["name", "name DESC"]),
    ("registered_models", ["timestamp", "last_updated_timestamp"]),
    ("registered_models", ["name", "name"]),
    ("model_versions", ["name", "tags.name"]),
    ("model_versions", ["name", "version_number"]),
    ("logged_models", ["name", "name"]),
    ("traces", ["timestamp", "timestamp_ms DESC"]),
    ("traces", ["tags.a", "tag.a"]),
    ("traces", ["tags.it's", 'tags."a\nb"']),
    ("datasets", ["name", "name"]),
]

DEEP = [
    ("runs", "run_id IN " + "(" * depth + inner + ")" * depth)
    for depth in (3, 99, 100, 101, 102)
    for inner in ("'a'", '"a"')
] + [("runs", 'run_id IN ("""x""")'), ("runs", 'run_id IN ("""x\n""", \'y\')')] + [("runs", "metrics.a > 1 " + "(" * depth + ")" * depth) for depth in (99, 100, 101, 102)]


class Pools:
    """What the grammar draws from."""

    prefixes = (
        ["metrics", "metric", "params", "param", "parameters", "tags", "tag", "attribute", "attributes", "attr", "run"]
        + ["datasets", "dataset", "trace", "span", "feedback", "expectation", "issue", "metadata", "request_metadata"]
        + ["assessment", "foo", "`metrics`", "`tags`", '"params"', "Metrics", "span.attributes", "trace.tag"]
    )
    keys = (
        ["a", "loss", "a.b", "a_b", "a1", "1a", "5", "a-b", "a/b", "`a b`", '"a b"', "'a b'", "`a.b`", "`a``b`", "``"]
        + ["é", "ж", "中", "ß", "ı", "ſ", "K", "_x", "a$b", "a#b", "#ab", "@ab", "%s", ":ab", "?", "*", "[a]", "[1]"]
        + ["select", "in", "IN", "and", "or", "not", "null", "is", "like", "case", "end", "begin", "from", "as", "asc"]
        + ["desc", "timestamp", "date", "text", "version", "order", "by", "order by", "where", "values", "f(x)", "key"]
        + ["mlflow.source.name", "mlflow.runName", "mlflow.trace.session", "mlflow.trace.tokenUsage", "x::y", "x->y"]
        + ["name", "type", "status", "content", "id", "min", "loss.min", "٣", "a٣", "x y", "join", "left join", "go"]
    )
    attributes = (
        ["run_id", "run_name", "`run name`", '"Run Name"', "status", "start_time", "end_time", "created", "Created"]
        + ["user_id", "artifact_uri", "experiment_id", "name", "creation_time", "last_update_time", "version_number"]
        + ["source_path", "creation_timestamp", "last_updated_timestamp", "model_id", "model_type", "source_run_id"]
        + ["timestamp", "timestamp_ms", "execution_time", "execution_time_ms", "end_time_ms", "request_id", "prompt"]
        + ["text", "client_request_id", "created_time", "created_by", "last_updated_by", "display_name", "created_at"]
        + ["has_access_endpoints", "last_updated_at", "version", "server_name", "transport_type", "organization"]
        + ["description", "search_text", "source_type", "digest", "lifecycle_stage", "foo", "id", "creation_time"]
        + ["creation_timestamp_ms", "last_updated_timestamp_ms", "status_message", "artifact_location", "context"]
    )
    operators = (
        ["=", "=", "!=", "<", "<=", ">", ">="] * 3
        + ["LIKE", "like", "ILIKE", "RLIKE", "rlike", "NOT LIKE", "REGEXP", "==", "<>", "~", "!", "=>", "IS", "lıke"]
    )
    texts = (
        ["'x'", "'x'", '"x"', "'%x_'", "''", '""', "'it''s'", "'it\\'s'", '"a""b"', "'a\nb'", "'é日'", "'a/1'", "'5'"]
        + ["'5.5'", "'READY'", "'1.0.0'", "'true'", "x", "`x`", "x.y", "NULL", "true", "'AND'", "'--'", "'x", '"x']
    )
    numbers = (
        ["5", "0", "-1", "0.5", "1.", ".5", "-.5", "1e5", "1E-5", "1e+5", "1.5e3", "0x1F", "99999999999999999999"]
        + ["1_000", "5a", "٣", "nan", "inf", "+5", "- 5", "1.2a", "1e999", "9223372036854775807", "9223372036854775808"]
    )
    lists = (
        ["('x')", "('x', 'y')", "('x','y')", "()", "(1)", "(1, 2)", "('x', 1)", "(x)", "('x' 'y')", "('x''y')", "('x',)"]
        + ["(('x'))", "('x\\ty')", "(r'x')", "(b'x')", '("x")', "('1', '2')", "('READY')", "(None)", "('x'", "'x')"]
        + ["('x', /* c */ 'y')", "('x', -- c\n 'y')", "('''x''')", "['x']", "('\\x41')", "('\\N{BULLET}')", "('é')"]
        + ["(f'x')", "('x', 1.5)", "('x', [])", "('x';)", "(('x', 'y'))", "('x', ('y', 'z'))", "(u'x')", "('x'\n)"]
    )
    joins = [" AND "] * 8 + [" and ", " AnD ", "\nAND\n", " OR ", " ", " AND AND ", ",", " && ", ";", " AND NOT ", "\tAND\t"]
    pieces = (
        ["(", ")", "[", "]", ";", ",", ".", "..", "::", ":=", "->", "->>", "*", "?", "%", "$", "$$", "$a$", "#", "# c\n"]
        + ["-- c\n", "--", "/* c */", "/*", "*/", "/*+ h */", "`", "'", '"', "´", "\\", "\\x", "{", "}", "@", "&", "|"]
        + ["AND", "OR", "NOT", "IN", "IS", "NULL", "NOT NULL", "LIKE", "BETWEEN", "CASE", "END", "IF", "END IF", "FOR"]
        + ["END LOOP", "BEGIN", "WHERE", "LIMIT", "ORDER BY", "GROUP BY", "AS", "VALUES", "OVER", "ASC", "DESC"]
        + ["NULLS LAST", "DESC NULLS FIRST", "SELECT", "FROM", "CREATE", "TABLE", "DECLARE", "GO", "GO 2", "JOIN"]
        + ["LEFT JOIN", "UNION ALL", "DATE", "TIMESTAMP", "timestamp", "DAY", "INTERVAL", "CURRENT_DATE", "DIV", "WITH"]
        + ["AT TIME ZONE 'UTC'", "DOUBLE PRECISION", "EXISTS", "IF NOT EXISTS", "USING", "LATERAL VIEW EXPLODE", "x"]
        + ["5", "0.5", "-", "+", "=", "!=", "<", "'x'", "a.b", "f(x)", "[x]", "é", "ж", "€", "\x00", "\x1c", "\u00a0"]
        + ["\u3000", "\u200b", "\n", "\r\n", "\r", "\t", " ", "  ", "ı", "İ", "ſ", "ﬁ", "e\u0301", "😀", "WORK", "LOOP"]
        + ["WHILE", "DO", "END CASE", "HANDLER FOR", "PRIMARY KEY", "CREATE OR REPLACE", "version", "organization"]
    )


SEARCHES = list(FILTERS)


_TAGS = {"tags.": "text", "tag.": "text"}
_RUN = {"metrics.": "number", "metric.": "number", "params.": "text", "parameter.": "text", **_TAGS}
_TIMES = {"created_at": "number", "last_updated_at": "number"}
# What each search can be asked, so that many cases are accepted. A dot at the end takes a key.
SENSIBLE = {
    "runs": {
        **_RUN, "status": "text", "run_id": "list", "attributes.run_id": "list", "start_time": "number",
        "attribute.end_time": "number", "created": "number", "`Run name`": "text", "user_id": "text",
        "datasets.name": "list", "dataset.digest": "list", "datasets.`context`": "list",
    },
    "experiments": {
        **_TAGS, "name": "text", "attribute.name": "text", "experiment_id": "id", "creation_time": "number",
        "last_update_time": "number",
    },
    "registered_models": {**_TAGS, "name": "list", "attribute.name": "list"},
    "model_versions": {
        **_TAGS, "name": "list", "run_id": "list", "source_path": "text", "version_number": "number",
    },
    "logged_models": {
        "metrics.": "number", "params.": "list", "tags.": "list", "name": "list", "model_type": "list",
        "status": "state", "creation_timestamp": "number", "creation_time": "number", "lifecycle_stage": "list",
        "attributes.name": "list", "last_updated_timestamp_ms": "number",
    },
    "traces": {
        **_TAGS, "status": "list", "timestamp": "number", "timestamp_ms": "number", "trace.timestamp": "number",
        "execution_time": "number", "end_time": "number", "name": "text", "run_id": "text", "request_id": "list",
        "client_request_id": "list", "prompt": "prompt", "text": "text", "span.name": "list", "span.content": "text",
        "span.attributes.": "text", "feedback.": "text", "feedback.a": "number", "expectation.": "text",
        "issue.id": "text", "metadata.": "text", "request_metadata.": "text",
    },
    "trace_metrics": {
        "trace.status": "text", "trace.tag.": "text", "trace.metadata.": "text", "span.name": "text",
        "span.type": "text", "assessment.name": "text", "`trace`.status": "text",
    },
    "datasets": {**_TAGS, "name": "list", "created_by": "text", "created_time": "number", "last_update_time": "number"},
}


def sensible(chance, search):
    """A clause that may well be accepted."""
    one = chance.choice
    left = one(list(SENSIBLE[search]))
    kind = SENSIBLE[search][left]
    if left.endswith("."):
        left += one(Pools.keys) if chance.random() < 0.85 else wild(chance, "name")
        if kind == "text" and chance.random() < 0.1:
            return left + one([" IS NULL", " IS NOT NULL", " is  null", "\nIS not NULL"])
    if kind in ("list", "state") and chance.random() < 0.4:
        lists = ["('READY')", "('FAILED', 'READY')"] if kind == "state" else Pools.lists
        return left + one([" IN ", " NOT IN ", " in", " not in "]) + (one(lists) if chance.random() < 0.7 else wild(chance, "list"))
    operators = ["=", "!="]
    if kind == "number":
        operators = ["=", "!=", "<", "<=", ">", ">="]
        right = one(Pools.numbers) if chance.random() < 0.7 else wild(chance, "number")
    else:
        if kind in ("text", "list"):
            operators = ["=", "!=", "=", "LIKE", "ILIKE", "like", "RLIKE"]
        texts = {"id": ["'1'", "' 02'", "'x'"], "state": ["'READY'"], "prompt": ["'a/1'"], "version": ["'1.0.0'", "'1.0'"]}
        right = one(texts.get(kind, Pools.texts)) if chance.random() < 0.7 else wild(chance, "quote")
    operator = one(operators)
    space = one([" ", " ", "", "\n", "  "]) if not operator.isalpha() else " "
    return left + space + operator + space + right


WILD = {
    "number": "0012359.eE-+xXaF_٣ ",
    "quote": "'\"`\\a %s´\n",
    "list": "((''\"\"),,\\xr1 #\nbuf0.-{}[]:é",
    "name": "ab.._1`\"'[]$#@:*-> (é€",
    "order": "ab `\"'\\. DESCasc",
}


def wild(chance, kind):
    """A few characters that make trouble together."""
    text = "".join(chance.choice(WILD[kind]) for _ in range(chance.randrange(1, 9)))
    return f"({text})" if kind == "list" else f"'{text}'" if kind == "quote" and chance.random() < 0.5 else text


def clause(chance, search):
    one = chance.choice
    if chance.random() < 0.45:
        left = one(Pools.attributes)
        if chance.random() < 0.25:
            left = one(["attribute", "attributes", "attr", "run", "trace", "tags", "tag"]) + "." + left
    else:
        name = one(Pools.keys) if chance.random() < 0.9 else wild(chance, "name")
        left = one(Pools.prefixes) + one([".", ".", ".", ".", ".", ".", " .", ". ", ".."]) + name
    kind = chance.random()
    if kind < 0.12:
        return left + one([" IS NULL", " IS NOT NULL", " is null", " is not null", " IS  NULL", " IS NOT  NULL"])
    if kind < 0.3:
        return left + one([" IN ", " NOT IN ", " in ", " not in ", " IN", " = ", " LIKE ", " not  in "]) + (
            one(Pools.lists) if chance.random() < 0.6 else wild(chance, "list")
        )
    space = one([" ", " ", " ", "", "  ", "\n"])
    operator = one(Pools.operators)
    if operator[0].isalpha() and not space:
        space = " "
    if chance.random() < 0.15:
        return left + space + operator + space + wild(chance, one(["number", "quote"]))
    return left + space + operator + space + one(one([Pools.texts, Pools.numbers]) if chance.random() < 0.9 else Pools.lists)


def spoil(chance, text):
    """One small change."""
    kind = chance.randrange(7)
    place = chance.randrange(len(text) + 1)
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + chance.choice(Pools.pieces) + text[place:]
    words = text.split(" ")
    spot = chance.randrange(len(words))
    if kind == 2:
        del words[spot]
    elif kind == 3:
        words.insert(spot, chance.choice(Pools.pieces))
    elif kind == 4:
        other = chance.randrange(len(words))
        words[spot], words[other] = words[other], words[spot]
    elif kind == 5:
        words.insert(spot, words[spot])
    else:
        words[spot] = chance.choice(Pools.pieces)
    return " ".join(words)


def generated(chance):
    """A case of some search."""
    search = chance.choice(SEARCHES)
    if chance.random() < 0.15 and search in ORDERS:
        return {"s": search, "o": [order(chance, search) for _ in range(chance.choice([1, 1, 1, 2]))]}
    kind = chance.random()
    if kind < 0.05:
        text = chance.choice(FILTERS[search])
    elif kind < 0.1:
        parts = [chance.choice(Pools.pieces), chance.choice(Pools.pieces), clause(chance, search)]
        text = " ".join(chance.choice(parts) for _ in range(chance.randrange(2, 9)))
    elif kind < 0.15:
        text = " ".join(chance.choice(Pools.pieces) for _ in range(chance.randrange(1, 9)))
    elif kind < 0.2:
        text = "".join(chance.choice(Pools.pieces) for _ in range(chance.randrange(1, 9)))
    elif kind < 0.4:
        text = clause(chance, search)
        while chance.random() < 0.4:
            text += chance.choice(Pools.joins) + clause(chance, search)
    else:
        text = sensible(chance, search)
        while chance.random() < 0.3:
            text += chance.choice([" AND ", " AND ", " and ", " ", "\tAND "]) + sensible(chance, search)
        if chance.random() < 0.7:
            return {"s": search, "f": text}
    while chance.random() < 0.45:
        text = spoil(chance, text)
    return {"s": search, "f": text}


def order(chance, search):
    if chance.random() < 0.3:
        text = chance.choice(ORDERS[search])
    elif chance.random() < 0.5:
        text = chance.choice(Pools.attributes)
    else:
        text = chance.choice(Pools.prefixes) + "." + chance.choice(Pools.keys)
    text += chance.choice(["", "", " ASC", " DESC", " desc", " asc", " UP", " DESC NULLS LAST"])
    while chance.random() < 0.25:
        text = spoil(chance, text)
    if chance.random() < 0.15:
        text += wild(chance, "order")
    return text


def golden(answer):
    """The cases by hand, and of the random ones a few of every kind of answer."""
    for search, texts in FILTERS.items():
        for text in dict.fromkeys(texts):
            yield answer({"s": search, "f": text})
    for search, texts in ORDERS.items():
        for text in dict.fromkeys(texts):
            yield answer({"s": search, "o": [text]})
    for search, texts in PAIRS:
        yield answer({"s": search, "o": texts})
    for search, text in DEEP:
        yield answer({"s": search, "f": text})
    chance = random.Random(318)
    seen = {}
    found = 0
    while found < 1500:
        case = answer(generated(chance))
        kind = sort(case)
        if seen.get(kind, 0) < 3 and len(str(case)) < 400:
            seen[kind] = seen.get(kind, 0) + 1
            found += 1
            yield case


def sort(case):
    """Cases of one sort say much the same."""
    if "c" in case:
        return case["s"], "o" in case, tuple((one[0], str(one[2]), type(one[-1]).__name__) for one in case["c"])
    if "x" in case:
        return case["s"], "o" in case, case["x"][:40]
    return case["s"], "o" in case, case["e"].split("'")[0][:60], len(case["e"]) // 40
