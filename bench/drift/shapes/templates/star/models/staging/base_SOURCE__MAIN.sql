select * exclude (<<c.unused>>) from {{ source('<<source>>', '<<main>>') }}
