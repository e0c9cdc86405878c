SELECT   <<COL('key')>>
       , <<COL('ref')>>
       , <<COL('code')>>
       , LOWER( TRIM( SRC.<<C.status>> ) )   AS <<s.status|upper>>
       , <<COL('person')>>
       , <<COL('street')>>, <<COL('house')>>
       , SRC.<<C.place>>.<<f.first>> AS <<s.place|upper>>_<<f.first|upper>>
       , SRC.<<C.place>>.<<f.second>> AS <<s.place|upper>>_<<f.second|upper>>
       , <<COL('note')>>          -- may be empty
       , <<COL('flag')>>
       , <<COL('amount')>>        /* two decimals */
       , <<COL('quantity')>>
       , <<COL('duration')>>
       , <<COL('share')>>
       , CAST( SRC.<<C.day>> AS DATE )   AS <<s.day|upper>>
       , <<COL('at')>>
       , <<COL('updated')>>
  FROM {{ source( '<<source>>', '<<main>>' ) }} AS SRC
